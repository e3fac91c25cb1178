import socket

from odoo import models, tools

# Whether a mail server can be reached is found out while a user waits.
SECONDS = 3


class CrmInvoiceMailing(models.Model):
    """What would keep every message of a mailing from being sent, found before it is started."""

    _inherit = "crm.invoice.mailing"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _find_obstacles(self):
        """:return: sentences for the user, none if all is well"""
        self.ensure_one()
        # sudo: managers may not read scheduled actions, parameters and mail servers, but must be told of them.
        self_sudo = self.sudo()
        if self.state == "running":
            # Rows tell about the rest.
            return [text for text in [self_sudo._find_cron_obstacle()] if text]
        found = [
            self_sudo._find_cron_obstacle(),
            self_sudo._find_neutralized(),
            self_sudo._find_sender_obstacle(),
            self_sudo._find_server_obstacle(),
        ]
        return [text for text in found if text]

    def _find_cron_obstacle(self):
        cron = self._get_cron()
        if not cron.active:
            return self.env._("The scheduled action «%(cron)s» is switched off.", cron=cron.name)
        return None

    def _find_neutralized(self):
        if self.env["ir.config_parameter"].get_param("database.is_neutralized"):
            return self.env._("E-mail is switched off: this database is a copy for tests (neutralized).")
        return None

    def _find_sender_obstacle(self):
        if not (self.company_id.email or self.user_id.email):
            return self.env._(
                "Neither %(company)s nor you have an e-mail address to send from.", company=self.company_id.name
            )
        return None

    def _find_server_obstacle(self):
        Server = self.env["ir.mail_server"]
        if Server._disable_send():
            # Odoo sends nothing in its tests.
            return None
        server, _sender = Server._find_mail_server(self.user_id.email or self.company_id.email)
        is_own = server and server.smtp_authentication != "cli"
        host = server.smtp_host if is_own else tools.config.get("smtp_server")
        port = server.smtp_port if is_own else tools.config.get("smtp_port")
        if not host:
            return self.env._("No outgoing mail server is set up.")
        try:
            socket.create_connection((host, port or 25), timeout=SECONDS).close()
        except OSError as error:
            return self.env._(
                "The mail server %(host)s:%(port)s can't be reached: %(error)s",
                host=host,
                port=port,
                error=error.strerror or error,
            )
        return None
