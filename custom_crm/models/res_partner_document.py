from odoo import models


class ResPartner(models.Model):
    """A party as Russian documents name it."""

    # Apart from the client of the registry.
    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_requisites_line(self):
        """Name, ИНН, КПП, legal address (else the actual one) and phone in one line, without what is not known."""
        self.ensure_one()
        parts = [
            self.name,
            self.vat and f"ИНН\u00a0{self.vat}",
            self.kpp and f"КПП\u00a0{self.kpp}",
            self.legal_address or self.actual_address,
            self.phone and f"тел.: {self.phone}",
        ]
        return ", ".join(part for part in parts if part)
