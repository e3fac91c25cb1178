import {Component, useEffect} from "@odoo/owl";
import {ConnectionLostError} from "@web/core/network/rpc";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const MILLISECONDS = 2000;

/** Load a run anew; the list of its rows stays at the page and in the order that the user has chosen. */
async function reload(record, rowsName) {
    const {limit, offset, orderBy} = record.data[rowsName] || {};
    await record.load();
    const rows = record.data[rowsName];
    if (!rows) {
        return;
    }
    if (rows.offset !== offset || rows.orderBy !== orderBy) {
        await rows.load({limit, offset, orderBy});
    }
}

/** How far a billing run is. While invoices are being made, the page of the run is loaded anew every two seconds. */
export class BillingProgressField extends Component {
    static template = "custom_crm.BillingProgressField";
    static props = standardFieldProps;
    static rowsName = "period_ids";

    setup() {
        this.isLoading = false;
        useEffect(
            (isWorking) => {
                if (!isWorking) {
                    return;
                }
                this.timer = browser.setInterval(() => this.look(), MILLISECONDS);
                return () => browser.clearInterval(this.timer);
            },
            () => [this.isWorking]
        );
    }

    get run() {
        return this.props.record.data;
    }

    get isWorking() {
        return this.run.state === "running" && !this.run.is_stopped;
    }

    get doneCount() {
        return this.run.billed_count;
    }

    get text() {
        return _t("%(billed)s of %(total)s billed", {billed: this.doneCount, total: this.run.total_count});
    }

    get failedText() {
        return _t("failed: %s", this.run.failed_count);
    }

    getWidth(count) {
        return `width: ${(100 * count) / (this.run.total_count || 1)}%`;
    }

    async look() {
        const {record} = this.props;
        if (this.isLoading || record.dirty || document.hidden) {
            return;
        }
        this.isLoading = true;
        try {
            await reload(record, this.constructor.rowsName);
        } catch (error) {
            // A lost connection comes back; nothing else is better the next time.
            if (!(error instanceof ConnectionLostError)) {
                browser.clearInterval(this.timer);
                throw error;
            }
        } finally {
            this.isLoading = false;
        }
    }
}

/** How far a mailing is. */
export class MailingProgressField extends BillingProgressField {
    static rowsName = "line_ids";

    get doneCount() {
        return this.run.sent_count;
    }

    get text() {
        return _t("%(sent)s of %(total)s mailed", {sent: this.doneCount, total: this.run.total_count});
    }
}

function getDependencies(doneName) {
    return [
        {name: "state", type: "selection"},
        {name: "is_stopped", type: "boolean"},
        {name: "total_count", type: "integer"},
        {name: doneName, type: "integer"},
        {name: "failed_count", type: "integer"},
    ];
}

registry.category("fields").add("crm_billing_progress", {
    component: BillingProgressField,
    supportedTypes: ["float"],
    fieldDependencies: getDependencies("billed_count"),
});

registry.category("fields").add("crm_mailing_progress", {
    component: MailingProgressField,
    supportedTypes: ["float"],
    fieldDependencies: getDependencies("sent_count"),
});
