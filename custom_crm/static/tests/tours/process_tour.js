import {choose} from "./tour_utils";
import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** Define a stage in its dialog, with its items in their order. */
function defineStage(name, items, button) {
    return [
        {
            content: `Name the stage «${name}»`,
            trigger: ".modal div[name=name] input:value(/^$/)",
            run: `edit ${name}`,
        },
        ...choose("role_id", "Инженер", ".modal"),
        ...items.flatMap((item) => [
            {
                content: "Add an item",
                trigger: ".modal div[name=item_ids] .o_field_x2many_list_row_add a",
                run: "click",
            },
            {
                content: `Name the item «${item}»`,
                trigger: ".modal div[name=item_ids] .o_selected_row div[name=name] input",
                run: `edit ${item}`,
            },
        ]),
        {
            content: "Save the stage",
            trigger: `.modal ${button}`,
            run: "click",
        },
    ];
}

// Administrator: define a process with three stages and five items, and read it.
tours.add("custom_crm_define_process", {
    steps: () => [
        {
            content: "New process",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Name it",
            trigger: ".o_form_view div[name=name] input",
            run: "edit Подключение",
        },
        {
            content: "Add a stage",
            trigger: "div[name=stage_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        ...defineStage("Обследование", ["Акт подписан", "Фотографии"], ".o_form_button_save_new"),
        ...defineStage("Монтаж", ["Оборудование установлено", "Связь проверена"], ".o_form_button_save_new"),
        ...defineStage("Сдача", ["Клиент обучен"], ".o_form_button_save"),
        {
            content: "Save the process",
            trigger: "body:not(:has(.modal)) .o_form_button_save",
            run: "click",
        },
        {
            content: "Read it",
            trigger: ".o_form_saved a[name=overview]",
            run: "click",
        },
        {
            content: "Three stages and five items in their order",
            trigger:
                "div[name=overview] .card:contains('Обследование'):contains('Фотографии') ~ .card:contains('Связь проверена') ~ .card:contains('Клиент обучен')",
        },
    ],
});

// Manager: choose the process and the working group on a draft, activate it.
tours.add("custom_crm_start_process", {
    steps: () => [
        ...choose("process_id", "Подключение"),
        {
            content: "Working group",
            trigger: "a[name=members]",
            run: "click",
        },
        {
            content: "Add a member",
            trigger: "div[name=member_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        ...choose("user_id", "crm_executor", "div[name=member_ids]"),
        ...choose("role_id", "Инженер", "div[name=member_ids]"),
        {
            content: "Activate",
            trigger: "button[name=action_activate]",
            run: "click",
        },
        {
            content: "The first stage is open",
            trigger: "div[name=process_stages] .o_arrow_button_current:contains('Обследование')",
        },
    ],
});

/** Tick the next open item, which is saved at once. */
function tick(item) {
    return [
        {
            content: `Tick «${item}»`,
            trigger: `div[name=item_ids] .o_data_row:contains('${item}') .o_crm_tick`,
            run: "click",
        },
        {
            content: `«${item}» is done`,
            trigger: `div[name=item_ids] .o_data_row:contains('${item}') .o_crm_untick`,
        },
    ];
}

function complete(name) {
    return {
        content: `Complete «${name}»`,
        trigger: `.o_form_view:has(div[name=name]:contains('${name}')) button[name=action_complete]`,
        run: "click",
    };
}

// Executor: be stopped by a mandatory item, go back once, complete all, read the history.
tours.add("custom_crm_pass_stages", {
    steps: () => [
        {
            content: "Open my stage",
            trigger: ".o_data_row td[name=contract_id]",
            run: "click",
        },
        complete("Обследование"),
        {
            content: "What is missing is named",
            trigger: ".modal:contains('Акт подписан') .modal-footer button",
            run: "click",
        },
        ...tick("Акт подписан"),
        ...tick("Фотографии"),
        complete("Обследование"),
        {
            content: "The next stage is mine too; return it",
            trigger: ".o_form_view:has(div[name=name]:contains('Монтаж')) button[name=action_return]",
            run: "click",
        },
        {
            content: "Say why",
            trigger: ".modal div[name=reason] textarea",
            run: "edit Нет акта",
        },
        {
            content: "Return",
            trigger: ".modal button[name=action_return]",
            run: "click",
        },
        ...tick("Акт подписан"),
        ...tick("Фотографии"),
        complete("Обследование"),
        ...tick("Оборудование установлено"),
        ...tick("Связь проверена"),
        complete("Монтаж"),
        ...tick("Клиент обучен"),
        {
            content: "However many stages were passed, the way back is short",
            trigger: ".o_breadcrumb:not(:has(.o_back_button ~ .o_back_button)) .o_back_button:contains('Мои этапы')",
        },
        complete("Сдача"),
        {
            content: "The end of the process is told",
            trigger: ".o_notification:contains('Подключение')",
        },
        {
            content: "Back at my stages, where nothing is left",
            trigger: ".o_list_view:not(:has(.o_data_row))",
        },
    ],
});

// Executor: read what the contract has passed.
tours.add("custom_crm_read_history", {
    steps: () => [
        {
            content: "Its history",
            trigger: "a[name=stages]",
            run: "click",
        },
        ...["Обследование", "Монтаж", "Обследование", "Монтаж", "Сдача"].map((name, place) => ({
            content: `${place + 1}: «${name}»`,
            trigger: `div[name=stage_ids] .o_data_row:eq(${place}):contains('${name}')`,
        })),
        {
            content: "The reason of the return is told",
            trigger: "div[name=stage_ids] .o_data_row:eq(1):contains('Нет акта')",
        },
        {
            content: "Open the stage that was passed once more",
            trigger: "div[name=stage_ids] .o_data_row:eq(2) td[name=name]",
            run: "click",
        },
        {
            content: "The return is told on top, and leads to the returned stage",
            trigger: ".o_form_view .alert:contains('Нет акта') button[name=action_view_returned]",
            run: "click",
        },
        {
            content: "The returned stage, which can't be changed",
            trigger:
                ".o_form_view:has(.o_arrow_button_current[data-value=returned]):not(:has(.o_crm_tick, .o_crm_untick))",
        },
    ],
});
