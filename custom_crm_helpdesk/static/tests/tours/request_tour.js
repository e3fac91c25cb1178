import {registry} from "@web/core/registry";

// Manager: find a client by «пол», complete the requisites, enter a request from the card.
registry.category("web_tour.tours").add("custom_crm_request", {
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
            content: "Wait for the search",
            trigger: ".o_searchview_facet",
        },
        {
            content: "Open the card",
            trigger: ".o_data_row:contains('Полюс') td[name=name]",
            run: "click",
        },
        {
            content: "Requisites",
            trigger: "a[name=requisites]",
            run: "click",
        },
        {
            content: "Enter the KPP",
            trigger: "div[name=kpp] input",
            run: "edit 770701001",
        },
        {
            content: "Requests",
            trigger: "a[name=requests]",
            run: "click",
        },
        {
            content: "There is none yet, and the page says what to do",
            trigger: ".tab-pane.active:contains('Новое обращение')",
        },
        {
            content: "New request",
            trigger: "button[name=action_new_ticket]",
            run: "click",
        },
        {
            content: "The client is filled in",
            trigger: "div[name=partner_id] input:value('Полюс'), div[name=partner_id]:contains('Полюс')",
        },
        {
            content: "What it is about",
            trigger: "h2 div[name=name] input",
            run: "edit Нет связи",
        },
        {
            content: "Describe it",
            trigger: "div[name=description] .odoo-editor-editable",
            run: "editor С утра не работает",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "Saved",
            trigger: ".o_form_saved",
        },
    ],
});
