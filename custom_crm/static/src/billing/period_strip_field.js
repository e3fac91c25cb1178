import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {groupBy} from "@web/core/utils/arrays";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

// In the order of the legend. The icon tells the states apart for those who do not see the colours.
const STATES = [
    {state: "paid", name: _t("Paid"), color: "text-bg-success", icon: "fa-check"},
    {state: "billed", name: _t("Billed, not paid yet"), color: "text-bg-info", icon: "fa-file-text-o"},
    {state: "overdue", name: _t("Payment overdue"), color: "text-bg-warning", icon: "fa-clock-o"},
    {state: "due", name: _t("To be billed"), color: "border-primary text-primary", icon: "fa-hourglass-half"},
    {state: "failed", name: _t("Billing failed"), color: "text-bg-danger", icon: "fa-exclamation-triangle"},
    {state: "skipped", name: _t("Not to be billed"), color: "bg-200 text-muted", icon: "fa-ban"},
    {state: "planned", name: _t("Still to come"), color: "o_crm_planned text-muted", icon: "fa-calendar-o"},
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
        return STATES.filter(({state}) => this.cells.some((cell) => cell.state === state));
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
