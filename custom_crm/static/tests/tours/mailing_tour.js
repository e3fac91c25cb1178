import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

function bar(color, percent) {
    return `div[name=progress] .progress-bar.bg-${color}[style*="${percent}"]`;
}

// Manager: mail the invoices of the month; one has no address, another one is refused and sent again.
tours.add("custom_crm_mailing", {
    steps: () => [
        {
            content: "New mailing",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Of this month: prepare",
            trigger: "button[name=action_prepare].btn-primary",
            run: "click",
        },
        {
            content: "Four invoices, the one without an address above",
            trigger: "div[name=line_ids]:has(.o_data_row:nth-child(4)) .o_data_row:first td[name=problem]:not(:empty)",
        },
        {
            content: "Start",
            trigger: "button[name=action_start]",
            run: "click",
        },
        {
            content: "Two are mailed, two are not, each says why",
            trigger: `body:has(.o_arrow_button_current[data-value=done]):has(${bar("success", "50%")}) ${bar("danger", "50%")}`,
        },
        {
            content: "What the mail server said",
            trigger: "div[name=line_ids] .o_data_row td[name=error]:contains(550)",
        },
        {
            content: "It takes the address now: send again",
            trigger: "button[name=action_resend_failed]",
            run: "click",
        },
        {
            content: "One more is mailed",
            trigger: `body:has(.o_arrow_button_current[data-value=done]) ${bar("success", "75%")}`,
        },
    ],
});

// Manager: choose invoices in their list and mail them.
tours.add("custom_crm_mailing_of_chosen", {
    steps: () => [
        {
            content: "Choose all",
            trigger: ".o_list_view thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:has(.fa-cog)",
            run: "click",
        },
        {
            content: "Mail them",
            trigger: ".o-dropdown--menu .o_menu_item:contains(/Mail by a Mailing|Разослать/)",
            run: "click",
        },
        {
            content: "A mailing of them is prepared",
            trigger: ".o_form_view:has(button[name=action_start]) div[name=line_ids] .o_data_row",
        },
    ],
});
