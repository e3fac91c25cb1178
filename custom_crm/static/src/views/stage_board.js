import {KanbanRenderer} from "@web/views/kanban/kanban_renderer";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/**
 * Board of stages: dropping a card on the next column completes the stage, on the previous one returns it. The server
 * decides; the board is loaded anew and never changed by itself, so nothing is half moved.
 */
export class StageBoardRenderer extends KanbanRenderer {
    setup() {
        super.setup();
        this.action = useService("action");
        this.orm = useService("orm");
    }

    /** The column can't be written, so the standard board would not let a card go. */
    get canMoveRecords() {
        return this.canResequenceRecords;
    }

    get canResequenceRecords() {
        const {groupByField, isGrouped} = this.props.list;
        return isGrouped && groupByField.name === "stage_id";
    }

    async sortRecordDrop(recordId, groupId, {parent}) {
        parent?.classList.remove("o_kanban_hover");
        const {groups, model} = this.props.list;
        const source = groups.find((group) => group.id === groupId);
        const target = groups.find((group) => group.id === parent?.dataset.id);
        const record = source?.list.records.find(({id}) => id === recordId);
        if (!record || !target || target === source) {
            return;
        }
        this.toggleProcessing(recordId, true);
        try {
            const action = await this.orm.call(record.resModel, "action_move_to", [[record.resId], target.value]);
            await this.action.doAction(action, {onClose: () => model.load()});
        } finally {
            this.toggleProcessing(recordId, false);
        }
    }
}

registry.category("views").add("crm_stage_board", {...kanbanView, Renderer: StageBoardRenderer});
