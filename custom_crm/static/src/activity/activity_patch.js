import {Activity} from "@mail/core/web/activity";
import {patch} from "@web/core/utils/patch";

// Odoo takes a cancelled activity off the screen before the server agrees, which it does not while a stage is open.
patch(Activity.prototype, {
    async unlink() {
        const {onActivityChanged} = this.props;
        const {thread} = this;
        try {
            await super.unlink();
        } catch (error) {
            onActivityChanged(thread);
            throw error;
        }
    },
});
