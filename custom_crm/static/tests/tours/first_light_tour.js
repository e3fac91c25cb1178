import {choose} from "./tour_utils";
import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

// Manager: find a client by «пол», make a subscription from the card, activate it.
tours.add("custom_crm_contract", {
    steps: () => [
        {
            content: "Search the registry",
            trigger: ".o_searchview_input",
            run: "edit пол",
        },
        {
            content: "Run the search",
            trigger: ".o_searchview_input",
            run: "press Enter",
        },
        {
            content: "Only names and addresses with the string are left",
            trigger: ".o_list_view:not(:has(.o_data_row:contains('Север'))) .o_data_row:contains('Уютный дом')",
        },
        {
            content: "Open the card",
            trigger: ".o_data_row:contains('Полюс') td[name=name]",
            run: "click",
        },
        {
            content: "The requisites are in front",
            trigger: ".o_form_view div[name=legal_address]",
        },
        {
            content: "Contracts of the client",
            trigger: "button[name=action_view_contracts]",
            run: "click",
        },
        {
            content: "New contract",
            trigger: ".o_list_view .o_breadcrumb .o_last_breadcrumb_item, .o_list_view",
        },
        {
            content: "Press New",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "The client is filled in",
            trigger: ".o_form_view div[name=partner_id] input:value('Полюс')",
        },
        {
            content: "Planned payment day",
            trigger: "div[name=payment_day] input",
            run: "edit 10",
        },
        {
            content: "The first month costs a whole one",
            trigger: "div[name=prorate] input",
            run: "uncheck",
        },
        {
            content: "Add a service",
            trigger: "div[name=line_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        ...choose("product_id", "Обслуживание", "div[name=line_ids]"),
        {
            content: "Price and amount are there",
            trigger: "div[name=amount_total]:contains('1'):contains('000')",
        },
        {
            content: "Activate",
            trigger: "button[name=action_activate]",
            run: "click",
        },
        {
            content: "The contract is active",
            trigger: ".o_arrow_button_current[data-value=active]",
        },
    ],
});

// Manager: prepare and start a billing run.
tours.add("custom_crm_billing_start", {
    steps: () => [
        {
            content: "New run",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Prepare",
            trigger: "button[name=action_prepare].btn-primary",
            run: "click",
        },
        {
            content: "Both contracts are to be billed",
            trigger: "div[name=period_ids] .o_data_row:nth-child(2)",
        },
        {
            content: "Start",
            trigger: "button[name=action_start]",
            run: "click",
        },
        {
            content: "It is running",
            trigger: ".o_arrow_button_current[data-value=running]",
        },
    ],
});

// Manager: mail the invoices of a finished run and open one of them.
tours.add("custom_crm_billing_send", {
    steps: () => [
        {
            content: "It is done",
            trigger: ".o_arrow_button_current[data-value=done]",
        },
        {
            content: "Mail the invoices",
            trigger: "button[name=action_send]",
            run: "click",
        },
        {
            content: "They are being mailed",
            trigger: ".o_notification",
        },
        {
            content: "Invoices of the run",
            trigger: "button[name=action_view_moves]",
            run: "click",
        },
        {
            content: "Open one",
            trigger: ".o_list_view .o_data_row td[name=invoice_partner_display_name]:contains('Полюс')",
            run: "click",
        },
        {
            content: "It is posted",
            trigger: ".o_form_view .o_arrow_button_current[data-value=posted]",
        },
    ],
});

// Cashier: one receipt that pays two invoices.
tours.add("custom_crm_cash_receipt", {
    steps: () => [
        {
            content: "New receipt",
            trigger: ".o_list_button_add",
            run: "click",
        },
        ...choose("partner_id", "Полюс"),
        {
            content: "Sum",
            trigger: "div[name=amount] input",
            run: "edit 2000",
        },
        {
            content: "Distribute it over the open invoices",
            trigger: "button[name=action_propose_allocations]",
            run: "click",
        },
        {
            content: "Two invoices are to be paid",
            trigger: "div[name=allocation_ids] .o_data_row:nth-child(2)",
        },
        {
            content: "Confirm",
            trigger: "button[name=action_post]",
            run: "click",
        },
        {
            content: "The money is in the till",
            trigger: ".o_arrow_button_current[data-value=paid]",
        },
    ],
});

// Executor: tick the checklist, complete the stage.
tours.add("custom_crm_stage", {
    steps: () => [
        {
            content: "Open the stage",
            trigger: ".o_data_row:contains('Обследование') td[name=contract_id]",
            run: "click",
        },
        {
            content: "Tick what must be done",
            trigger: "div[name=item_ids] .o_data_row:first-child .o_crm_tick",
            run: "click",
        },
        {
            content: "It is saved at once",
            trigger: "div[name=item_ids] .o_data_row:first-child .o_crm_untick",
        },
        {
            content: "Complete the stage",
            trigger: "button[name=action_complete]",
            run: "click",
        },
        {
            content: "It was the last one: back at my stages",
            trigger: ".o_list_view:not(:has(.o_data_row))",
        },
    ],
});
