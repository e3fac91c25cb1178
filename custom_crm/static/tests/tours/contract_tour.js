import {registry} from "@web/core/registry";

// Manager: from the contract to the pages of its stages and invoices, and back.
registry.category("web_tour.tours").add("custom_crm_contract_pages", {
    steps: () => [
        {
            content: "Stages of the contract",
            trigger: "a[name=stages]",
            run: "click",
        },
        {
            content: "Open one by a click on its row",
            trigger: "div[name=stage_ids] .o_data_row td[name=name]",
            run: "click",
        },
        {
            content: "It has a page of its own, no dialog. Back to the contract",
            trigger: "body:not(:has(.modal)):has(button[name=action_complete]) .o_back_button",
            run: "click",
        },
        {
            content: "The stage that is open now is one click away",
            trigger: "button[name=action_view_current_stage]:contains('Survey')",
            run: "click",
        },
        {
            content: "Back again",
            trigger: "body:has(button[name=action_complete]) .o_back_button",
            run: "click",
        },
        {
            content: "Invoices of the contract",
            trigger: "a[name=moves]",
            run: "click",
        },
        {
            content: "Open one",
            trigger: "div[name=move_ids] .o_data_row td[name=type_name]",
            run: "click",
        },
        {
            content: "Its page",
            trigger: "body:not(:has(.modal)):has(div[name=invoice_line_ids]) .o_back_button",
        },
    ],
});
