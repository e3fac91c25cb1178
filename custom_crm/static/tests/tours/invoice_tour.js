import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

function click(content, trigger) {
    return {content, trigger, run: "click"};
}

function see(content, trigger) {
    return {content, trigger};
}

const lines = "div[name=invoice_line_ids]";
const posted = ".o_arrow_button_current[data-value=posted]";

// Manager: an invoice of three lines from a contract, posted, corrected, posted again, put into the archive for good.
tours.add("custom_crm_invoice", {
    steps: () => [
        click("Invoices of the contract", "a[name=moves]"),
        click("Make one", "button[name=action_new_invoice]"),
        see("Its services are filled in", `${lines} .o_data_row:nth-child(3) td[name=price_unit]`),
        see("The contract as well", "div[name=contract_id] input"),
        click("Post", "button[name=action_post]"),
        click("It is posted. Correct it", `.o_form_view:has(${posted}) button[name=button_draft]`),
        click("The price", `.o_form_view:has(button[name=action_post]) ${lines} .o_data_row td[name=price_unit]`),
        {
            content: "Another one",
            trigger: `${lines} div[name=price_unit] input`,
            run: "edit 1500",
        },
        click("Post again", "button[name=action_post]"),
        click("Into the archive", `.o_form_view:has(${posted}) button[name=action_move_to_archive]`),
        see("It is there: no way back to draft", ".o_form_view:has(.ribbon):not(:has(button[name=button_draft]))"),
        see("Nor out of it for a manager", ".o_form_view:not(:has(button[name=action_restore_from_archive]))"),
        see("It can be paid", "button[name=action_register_payment]"),
        click("Other information", "a[name=other_info]"),
        see("Nothing can be typed", "div[name=payment_reference].o_readonly_modifier"),
        click("Back to the contract", ".o_back_button"),
        see("It stands among its invoices", "div[name=move_ids] .o_data_row.text-muted"),
    ],
});

// Administrator: takes the invoice out of the archive again.
tours.add("custom_crm_invoice_restore", {
    steps: () => [
        click("Out of the archive", "button[name=action_restore_from_archive]"),
        click("Yes", ".modal .modal-footer .btn-primary"),
        see("It can be corrected again", ".o_form_view:not(:has(.ribbon)) button[name=button_draft]"),
    ],
});

// Manager: several invoices at once; the draft among them stays where it is, which is told.
tours.add("custom_crm_invoice_archive_many", {
    steps: () => [
        click("All of them", ".o_list_view:has(.o_data_row:nth-child(2)) thead .o_list_record_selector input"),
        click("Into the archive", ".o_control_panel button[name=action_move_to_archive]"),
        see("One could not", ".o_notification:contains('Number 7')"),
        see("The others are gone from the list", ".o_list_view:not(:has(.o_data_row:nth-child(2)))"),
    ],
});
