import {registry} from "@web/core/registry";

const CARD = ".o_kanban_record:contains('Polyus')";

/** Column of the board by the name of its stage. */
function column(name) {
    return `.o_kanban_group:has(.o_column_title:contains('${name}'))`;
}

// Manager: complete a stage by moving its card, be refused at a jump, return it with a reason.
registry.category("web_tour.tours").add("custom_crm_board", {
    steps: () => [
        {
            content: "Show the board",
            trigger: ".o_switch_view.o_kanban",
            run: "click",
        },
        {
            content: "Move the card to the next column",
            trigger: `${column("Survey")} ${CARD}`,
            run: `drag_and_drop (${column("Installation")})`,
        },
        {
            content: "It is there",
            trigger: `${column("Installation")} ${CARD}`,
        },
        {
            content: "Back to the previous column",
            trigger: `${column("Installation")} ${CARD}`,
            run: `drag_and_drop (${column("Survey")})`,
        },
        {
            content: "Give the reason",
            trigger: ".modal div[name=reason] textarea",
            run: "edit Dark photos",
        },
        {
            content: "Return",
            trigger: ".modal button[name=action_return]",
            run: "click",
        },
        {
            content: "Jump over a stage",
            trigger: `${column("Survey")} ${CARD}`,
            run: `drag_and_drop (${column("Handover")})`,
        },
        {
            content: "The reason is told",
            trigger: ".modal:contains('Installation') .modal-footer button",
            run: "click",
        },
        {
            content: "The card stayed where it was",
            trigger: `body:not(:has(.modal)) ${column("Survey")} ${CARD}`,
        },
    ],
});
