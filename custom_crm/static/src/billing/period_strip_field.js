import {Component} from "@odoo/owl";
import {groupBy} from "@web/core/utils/arrays";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

// In the order of the legend. The icon tells the states apart for those who do not see the colours.
const STATES = [
    {state: "paid", color: "text-bg-success", icon: "fa-check"},
    {state: "billed", color: "text-bg-info", icon: "fa-file-text-o"},
    {state: "overdue", color: "text-bg-warning", icon: "fa-clock-o"},
    {state: "due", color: "border-primary text-primary", icon: "fa-hourglass-half"},
    {state: "failed", color: "text-bg-danger", icon: "fa-exclamation-triangle"},
    {state: "skipped", color: "bg-200 text-muted", icon: "fa-ban"},
    {state: "planned", color: "o_crm_planned text-muted", icon: "fa-calendar-o"},
];

/** The ledger of a contract at a glance: a cell for each period, a row for each year. A click opens the period. */
export class PeriodStripField extends Component {
    static template = "custom_crm.PeriodStripField";
    static props = standardFieldProps;

    setup() {
        this.action = useService("action");
    }

    get cells() {
        return this.props.record.data[this.props.name] || [];
    }

    get years() {
        return Object.entries(groupBy(this.cells, "year"));
    }

    get legend() {
        return STATES.map((look) => ({
            ...look,
            name: this.cells.find((cell) => cell.state === look.state)?.name,
        })).filter((look) => look.name);
    }

    getLook(cell) {
        return STATES.find(({state}) => state === cell.state);
    }

    onClick(cell) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "crm.contract.period",
            res_id: cell.id,
            views: [[false, "form"]],
        });
    }
}

registry.category("fields").add("crm_period_strip", {
    component: PeriodStripField,
    supportedTypes: ["json"],
});
