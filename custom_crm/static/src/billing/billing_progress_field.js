import {Component, useEffect} from "@odoo/owl";
import {ConnectionLostError} from "@web/core/network/rpc";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const MILLISECONDS = 2000;

/** Load a run anew; the list of its periods stays at the page and in the order that the user has chosen. */
async function reload(record) {
    const {limit, offset, orderBy} = record.data.period_ids || {};
    await record.load();
    const periods = record.data.period_ids;
    if (!periods) {
        return;
    }
    if (periods.offset !== offset || periods.orderBy !== orderBy) {
        await periods.load({limit, offset, orderBy});
    }
}

/** How far a billing run is. While invoices are being made, the page of the run is loaded anew every two seconds. */
export class BillingProgressField extends Component {
    static template = "custom_crm.BillingProgressField";
    static props = standardFieldProps;

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

    get text() {
        return _t("%(billed)s of %(total)s billed", {billed: this.run.billed_count, total: this.run.total_count});
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
            await reload(record);
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

registry.category("fields").add("crm_billing_progress", {
    component: BillingProgressField,
    supportedTypes: ["float"],
    fieldDependencies: [
        {name: "state", type: "selection"},
        {name: "is_stopped", type: "boolean"},
        {name: "total_count", type: "integer"},
        {name: "billed_count", type: "integer"},
        {name: "failed_count", type: "integer"},
    ],
});
