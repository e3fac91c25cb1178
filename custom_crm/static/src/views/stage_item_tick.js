import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {pick} from "@web/core/utils/objects";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

/** Tick of an item of a stage's checklist, saved at once; a mere mark where the user may not work on the stage. */
export class StageItemTick extends Component {
    static template = "custom_crm.StageItemTick";
    static props = standardWidgetProps;

    get isDone() {
        return this.props.record.data.is_done;
    }

    get canTick() {
        return this.props.record.evalContext.parent.can_work;
    }

    get icon() {
        return this.isDone ? "fa fa-check-square-o text-success" : "fa fa-square-o";
    }

    get label() {
        if (!this.canTick) {
            return this.isDone ? _t("Done") : _t("Not done");
        }
        return this.isDone ? _t("Mark as not done") : _t("Mark as done");
    }

    onClick() {
        // As a button of the view: what else was changed on the form is saved before, and all is loaded afterwards.
        this.env.onClickViewButton({
            clickParams: {type: "object", name: "action_toggle"},
            getResParams: () => pick(this.props.record, "context", "evalContext", "resModel", "resId", "resIds"),
        });
    }
}

registry.category("view_widgets").add("crm_stage_item_tick", {
    component: StageItemTick,
    fieldDependencies: [{name: "is_done", type: "boolean"}],
    listViewWidth: 30,
});
