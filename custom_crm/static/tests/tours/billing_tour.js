import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

function back(content, trigger = "") {
    return {content, trigger: `${trigger} .o_back_button`, run: "click"};
}

const save = [
    {
        content: "Save",
        trigger: ".o_form_button_save",
        run: "click",
    },
    {
        content: "It is saved",
        trigger: ".o_form_saved",
    },
];

function bar(color, percent) {
    return `div[name=progress] .progress-bar.bg-${color}[style*="${percent}"]`;
}

// Manager: a run with two problems; one is mended before, the other one after it failed; then all is mailed.
tours.add("custom_crm_billing_problems", {
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
            content: "The periods with problems stand above, with what is wrong",
            trigger: "div[name=period_ids] .o_data_row:nth-child(2) td[name=problem]:not(:empty)",
        },
        {
            content: "Show only these two",
            trigger: "div[name=problems]:has(div[name=problem_count]:contains(2)) button",
            run: "click",
        },
        {
            content: "The client has no address: open it",
            trigger: ".o_list_view:has(.o_data_row:nth-child(2)) .o_data_row td[name=partner_id] a:contains('Север')",
            run: "click",
        },
        {
            content: "Mend it",
            trigger: "div[name=email] input",
            run: "edit office@sever.example",
        },
        ...save,
        back("Back to the periods", ".o_form_view:has(div[name=email])"),
        back("Back to the run", ".o_list_view"),
        {
            content: "Prepare again",
            trigger: "button[name=action_prepare]:not(.btn-primary)",
            run: "click",
        },
        {
            content: "One problem is left",
            trigger: "div[name=problem_count]:contains(1)",
        },
        {
            content: "Start",
            trigger: "button[name=action_start]",
            run: "click",
        },
        {
            content: "The bar moves by itself: one of three is billed",
            trigger: bar("success", "33.3"),
        },
        {
            content: "It is done, two of three are billed",
            trigger: `body:has(.o_arrow_button_current[data-value=done]) ${bar("success", "66.6")}`,
        },
        {
            content: "One failed, the reason stands beside it",
            trigger: `body:has(${bar("danger", "33.3")}) .o_data_row:nth-child(1) td[name=error]:not(:empty)`,
        },
        {
            content: "Show only this one",
            trigger: "div[name=failed] button",
            run: "click",
        },
        {
            content: "Open its contract",
            trigger: ".o_list_view:not(:has(.o_data_row:nth-child(2) td[name=state])) td[name=contract_id] a",
            run: "click",
        },
        {
            content: "Its service has ended",
            trigger: "div[name=line_ids] .o_data_row td[name=date_to]",
            run: "click",
        },
        {
            content: "It goes on",
            trigger: "div[name=line_ids] div[name=date_to] input",
            run: "clear",
        },
        ...save,
        back("Back to the periods", ".o_form_view:has(div[name=line_ids])"),
        back("Back to the run", ".o_list_view"),
        {
            content: "Retry",
            trigger: "button[name=action_retry_failed]",
            run: "click",
        },
        {
            content: "All are billed",
            trigger: `body:has(.o_arrow_button_current[data-value=done]) ${bar("success", "100%")}`,
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
    ],
});

// Manager: stop a run that is started, and let it go on.
tours.add("custom_crm_billing_stop", {
    steps: () => [
        {
            content: "Stop",
            trigger: "button[name=action_stop]",
            run: "click",
        },
        {
            content: "It says so; go on",
            trigger: ".o_form_view:has(.ribbon) button[name=action_resume]",
            run: "click",
        },
        {
            content: "It goes on",
            trigger: ".o_form_view:not(:has(.ribbon)) button[name=action_stop]",
        },
    ],
});

// Manager: the periods of a contract at a glance; one is not billed, then billed after all.
tours.add("custom_crm_period_strip", {
    steps: () => [
        {
            content: "Periods",
            trigger: "a[name=periods]",
            run: "click",
        },
        {
            content: "One is billed, the others are still to come",
            trigger: ".o_crm_period_strip:has(button[data-state=billed]) span[data-state=planned]",
        },
        {
            content: "Do not bill the next one",
            trigger: "button[name=action_skip_period]",
            run: "click",
        },
        {
            content: "Why",
            trigger: ".modal div[name=reason] textarea",
            run: "edit Ремонт",
        },
        {
            content: "Confirm",
            trigger: ".modal button[name=action_skip]",
            run: "click",
        },
        {
            content: "Its cell says so; open it",
            trigger: ".o_crm_period_strip button[data-state=skipped]",
            run: "click",
        },
        {
            content: "The reason is there",
            trigger: ".o_form_view div[name=skip_reason]:contains('Ремонт')",
        },
        {
            content: "Bill it after all",
            trigger: "button[name=action_unskip]",
            run: "click",
        },
        back("Back to the contract", "body:has(.o_arrow_button_current[data-value=due])"),
        {
            content: "It is to be billed when its time comes",
            trigger: ".o_crm_period_strip button[data-state=planned]",
        },
    ],
});
