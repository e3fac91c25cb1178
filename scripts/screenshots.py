"""Takes the pictures of docs/ from a new demo company: the main path, as those who walk it.

Starts an Odoo and an SMTP server of its own, goes the whole way in Chromium in Russian (client, contract, billing run,
mail, cash receipt, stage) and drops everything afterwards. The PDF is the one that the client got by mail.
"""

import contextlib
import email
import email.policy
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import dbtools
from playwright.sync_api import sync_playwright

DATABASE = f"screenshots_{os.getpid()}"
IMAGES = dbtools.ROOT / "docs" / "images"
ADDONS = os.environ.get("ADDONS", "custom_crm").split()
# Chromium looks for Google's hosts at every start if it may.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SECONDS = 1000


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def demo_company():
    """A new database with the demo company, an Odoo on it and a mailbox: the address and the mailbox's folder."""
    dbtools.copy(dbtools.base(), DATABASE)
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        mailbox = Path(folder) / "mail"
        try:
            dbtools.install_demo(DATABASE, ADDONS)
            http, smtp = free_port(), free_port()
            address = f"http://127.0.0.1:{http}"
            dbtools.serve_at(DATABASE, address)
            catcher = ["aiosmtpd", "--nosetuid", "--listen", f"127.0.0.1:{smtp}"]
            catcher += ["--class", "aiosmtpd.handlers.Mailbox", str(mailbox)]
            server = ["odoo", "server", "--config", str(dbtools.CONF), f"--database={DATABASE}"]
            server += [f"--http-port={http}", f"--smtp-port={smtp}", f"--db-filter=^{DATABASE}$"]
            server += [f"--logfile={dbtools.DEV / 'log' / 'screenshots.log'}"]
            processes += [subprocess.Popen([sys.executable, "-m", *command]) for command in (catcher, server)]
            wait_for(lambda: urllib.request.urlopen(f"{address}/web/login", timeout=60).status == 200)
            yield address, mailbox
        finally:
            for process in processes:
                process.terminate()
                process.wait()
            dbtools.drop(DATABASE)


def wait_for(condition, seconds=120):
    """The first true value of the condition, asked again and again; connection errors count as no."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if result := condition():
                return result
        time.sleep(0.5)
    raise TimeoutError(condition)


class Browser:
    """A user at the screen."""

    def __init__(self, playwright, address, login):
        self.address = address
        executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        self.browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        self.page = self.browser.new_page(viewport={"width": 1366, "height": 850}, locale="ru-RU")
        self.page.goto(f"{address}/web/login")
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", login)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector(".o_web_client")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.browser.close()

    def open(self, path):
        self.page.goto(f"{self.address}/odoo/{path}")
        self.page.wait_for_selector(".o_view_controller")

    def picture(self, name):
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(SECONDS)
        self.page.screenshot(path=IMAGES / f"{name}.png")

    def choose(self, field, text):
        """Choose a record in a many2one by a part of its name."""
        self.page.fill(f"div[name={field}] input >> nth=0", text)
        self.page.click(f".ui-menu-item a:has-text('{text}') >> nth=0")

    def click(self, selector):
        self.page.click(selector)

    def wait(self, selector):
        self.page.wait_for_selector(selector)


def manager_makes_a_contract(user):
    user.open("clients")
    user.page.fill(".o_searchview_input", "пол")
    user.page.keyboard.press("Enter")
    user.wait(".o_facet_value")
    user.picture("clients")
    user.click(".o_switch_view.o_kanban")
    user.wait(".o_kanban_view")
    user.picture("clients_kanban")
    user.click(".o_switch_view.o_list")
    user.wait(".o_list_view")
    user.click(".o_data_row:has-text('Полюс') td[name=name]")
    user.wait(".o_form_view")
    user.picture("client")
    for page in ("contracts", "services", "moves", "requests", "contact_addresses"):
        user.click(f"a[name={page}]")
        user.picture(f"client_{page}")
    user.click("button[name=action_view_contracts]")
    user.wait(".o_list_view")
    user.click(".o_list_button_add")
    user.page.fill("div[name=subject] textarea, div[name=subject] input", "Доступ в сеть Интернет, офис")
    user.page.fill("div[name=payment_day] input", "10")
    user.click("div[name=line_ids] .o_field_x2many_list_row_add a")
    user.choose("product_id", "Доступ в сеть")
    user.click("button[name=action_activate]")
    user.wait(".o_arrow_button_current[data-value=active]")
    user.picture("contract")
    user.open("contracts")
    user.picture("contracts")


def open_row(user, path, text):
    user.open(path)
    user.click(f".o_data_row:has-text('{text}') td[name=name] >> nth=0")
    user.wait(".o_form_view")


def dialog_picture(user, name):
    """A picture of the dialog that is open, which is closed then without saving."""
    user.wait(".modal .o_form_view")
    user.picture(name)
    user.click(".modal .modal-header .btn-close")
    user.page.wait_for_selector(".modal", state="detached")


def manager_leads_contracts(user):
    for client, name in (("Уютный дом", "client_cash_contract"), ("Метропол", "client_cashless_contracts")):
        open_row(user, "clients", client)
        user.click("a[name=contracts]")
        user.picture(name)
    open_row(user, "contracts", "Пожарная сигнализация, офис")
    user.click("a[name=moves]")
    user.picture("contract_moves")
    user.click("header button:has-text('Приостановить'), .o_statusbar_buttons button:has-text('Приостановить')")
    dialog_picture(user, "contract_suspend")
    user.click("button[name=action_finish]")
    user.wait(".modal .o_form_view")
    user.page.click(".modal div[name=reason_id] input")
    user.click(".ui-menu-item a >> nth=0")
    dialog_picture(user, "contract_finish")
    open_row(user, "contracts", "Обслуживание дома")
    user.click("a[name=members]")
    user.picture("contract_members")
    user.open("contracts")
    user.click("thead .o_list_record_selector input")
    user.click(".o_cp_action_menus button:has-text('Действия')")
    user.click(".o-dropdown--menu .o-dropdown-item:has-text('Изменить цены')")
    user.wait(".modal .o_form_view")
    user.page.fill(".modal div[name=percent] input", "7,5")
    user.page.keyboard.press("Tab")
    dialog_picture(user, "price_revision")


def manager_bills_and_mails(user, mailbox):
    user.open("billing-runs")
    user.click(".o_list_button_add")
    user.click("button[name=action_prepare].btn-primary")
    user.wait("div[name=period_ids] .o_data_row")
    user.picture("billing_run_prepared")
    user.click("button[name=action_start]")
    user.wait(".o_arrow_button_current[data-value=running], .o_arrow_button_current[data-value=done]")
    # The scheduled action works in the background, and the page follows it by itself.
    user.page.wait_for_selector(".o_arrow_button_current[data-value=done]", timeout=60 * SECONDS)
    user.picture("billing_run_done")
    open_row(user, "contracts", "Пожарная сигнализация, офис")
    user.click("a[name=periods]")
    user.picture("contract_periods")
    user.page.go_back()
    user.page.go_back()
    user.wait(".o_arrow_button_current[data-value=done]")
    user.click("button[name=action_send]")
    user.wait(".o_notification")
    address = user.page.url
    user.open("invoice-mailings")
    user.click(".o_data_row td[name=name] >> nth=0")
    user.page.wait_for_selector(".o_arrow_button_current[data-value=done]", timeout=120 * SECONDS)
    user.picture("mailing")
    user.page.goto(address)
    user.wait(".o_arrow_button_current[data-value=done]")
    user.click("button[name=action_view_moves] >> nth=0")
    user.wait(".o_list_view")
    user.picture("invoices")
    user.click(".o_data_row:has-text('Полюс') td[name=name] >> nth=0")
    user.wait(".o_form_view .o_arrow_button_current[data-value=posted]")
    user.picture("invoice")
    number = user.page.inner_text("div[name=name] span >> nth=0").strip()
    render_pdf(wait_for(lambda: find_pdf(mailbox, number)))


def find_pdf(mailbox, number):
    for path in (mailbox / "new").iterdir():
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for part in message.iter_attachments():
            if number.replace("/", "_") in (part.get_filename() or ""):
                return part.get_content()
    return None


def render_pdf(content):
    subprocess.run(
        ["pdftoppm", "-png", "-r", "70", "-singlefile", "-", str(IMAGES / "invoice_pdf")], input=content, check=True
    )


def manager_watches_receivables(user):
    for name in ("receivables", "payment-plan", "payment-calendar"):
        user.open(name)
        user.picture(name.replace("-", "_"))


def manager_looks_at_processes(user):
    user.open("active-processes")
    user.picture("processes")
    user.click(".o_switch_view.o_kanban")
    user.wait(".o_kanban_group")
    user.picture("processes_board")


def executor_completes_a_stage(user):
    user.page.set_viewport_size({"width": 1366, "height": 1150})
    user.open("my-stages")
    user.click(".o_data_row td[name=contract_id] >> nth=0")
    for _item in range(2):
        user.click("div[name=item_ids] .o_data_row .o_crm_tick >> nth=0")
        user.page.wait_for_timeout(SECONDS)
    user.picture("stage")
    user.click("button[name=action_complete]")
    user.wait(".o_form_view:has-text('Ввод в обслуживание')")
    user.picture("stage_next")
    user.click("div[name=contract_id] a")
    user.wait("a[name=stages]")
    user.click("a[name=stages]")
    user.picture("contract_stages")
    user.click("div[name=stage_ids] .o_data_row td[name=name] >> nth=0")
    user.wait(".o_arrow_button_current[data-value=done]")
    user.picture("stage_done")


def administrator_reads(user):
    open_row(user, "process-definitions", "Подключение")
    user.click("a[name=overview]")
    user.picture("process_overview")


def cashier_takes_money(user):
    user.open("cash-receipts")
    user.click(".o_list_button_add")
    user.choose("partner_id", "Уютный дом")
    user.page.fill("div[name=amount] input", "33000")
    user.click("button[name=action_propose_allocations]")
    user.wait("div[name=allocation_ids] .o_data_row >> nth=1")
    user.picture("cash_receipt_draft")
    user.click("button[name=action_post]")
    user.wait(".o_arrow_button_current[data-value=paid]")
    user.picture("cash_receipt")
    user.open("cash-receipts")
    user.picture("cash_receipts")


def main():
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo_company() as (address, mailbox), sync_playwright() as playwright:
        with Browser(playwright, address, "manager") as user:
            manager_makes_a_contract(user)
            manager_leads_contracts(user)
            manager_bills_and_mails(user, mailbox)
            manager_watches_receivables(user)
            manager_looks_at_processes(user)
        with Browser(playwright, address, "executor") as user:
            executor_completes_a_stage(user)
        with Browser(playwright, address, "admin") as user:
            administrator_reads(user)
        with Browser(playwright, address, "cashier") as user:
            cashier_takes_money(user)


if __name__ == "__main__":
    main()
