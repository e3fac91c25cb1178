import {ActivityMenu} from "@mail/core/web/activity_menu";
import {patch} from "@web/core/utils/patch";

// «My Stages» opens the list of that name, the count of what is late with its filter.
patch(ActivityMenu.prototype, {
    openActivityGroup(group, filter, newWindow) {
        if (group.id !== "my_stages") {
            return super.openActivityGroup(...arguments);
        }
        this.dropdown.close();
        this.action.doAction("custom_crm.action_my_stages", {
            newWindow,
            additionalContext: filter === "overdue" ? {search_default_overdue: 1} : {},
            clearBreadcrumbs: true,
        });
    },
});
