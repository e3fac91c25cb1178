import {ReceiptSelector} from "@account/components/receipt_selector/receipt_selector";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";

// The title of an invoice. In Russia Odoo's own word is that of another document, of VAT.
patch(ReceiptSelector.prototype, {
    get items() {
        return super.items.map(([value, label]) => [value, value === "out_invoice" ? _t("Invoice") : label]);
    },

    get string() {
        return this.type === "selection" && this.value === "out_invoice" ? _t("Invoice") : super.string;
    },
});
