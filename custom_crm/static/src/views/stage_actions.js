import {registry} from "@web/core/registry";

const MODEL = "crm.contract.stage";

/** Close the dialog that the action comes from, if it comes from one. */
function closeDialog(action) {
    return action.doAction({type: "ir.actions.act_window_close"});
}

/**
 * Show the stage that was opened in the place of the one that was closed, so that the breadcrumbs still lead to where
 * the user came from, however many stages are completed in a row.
 */
async function showStage(env, {params}) {
    const {action, notification} = env.services;
    await closeDialog(action);
    notification.add(params.message, {type: "info"});
    const {props, view} = action.currentController;
    if (view?.type === "form" && props.resModel === MODEL) {
        await action.switchView("form", {resId: params.action.res_id});
        // The form stays the same and so does its scroll bar, but a new stage is read from its beginning.
        document.querySelector(".o_action_manager .o_content").scrollTo({top: 0});
        return;
    }
    return action.doAction(params.action);
}

/** Nothing is left to do on the stage: back to where the user came from; if that is not known, show what became of it. */
async function leaveStage(env) {
    const {action} = env.services;
    await closeDialog(action);
    const {config} = action.currentController;
    if (config.breadcrumbs.length > 1) {
        return config.historyBack();
    }
    return {type: "ir.actions.act_window_close"};
}

registry.category("actions").add("crm_show_stage", showStage);
registry.category("actions").add("crm_leave_stage", leaveStage);
