import {registry} from "@web/core/registry";
import {X2ManyField, x2ManyField} from "@web/views/fields/x2many/x2many_field";

/** One2many to read: a click on a row or card leads to the page of its record, not into a dialog. */
export class PageOne2ManyField extends X2ManyField {
    async openRecord(record) {
        await this.switchToForm(record, {newWindow: false});
    }
}

registry.category("fields").add("crm_page_one2many", {
    ...x2ManyField,
    component: PageOne2ManyField,
});
