from odoo import models


class CrmTermsMixin(models.AbstractModel):
    """Terms that the database keeps, checked before it is asked, so that a user reads words and not its refusal.

    Odoo's own checks of new records come after the database. A model that inherits this names the fields of its terms
    and extends ``_check_terms``, which it also calls when they change.
    """

    _name = "crm.terms.mixin"
    _description = "Record with Terms"

    # Fields that the terms are checked by, and those that the messages name.
    _terms_fields = ()

    def _prepare_create_values(self, vals_list):
        vals_list = super()._prepare_create_values(vals_list)
        for vals in vals_list:
            self.new({name: vals.get(name) for name in self._terms_fields})._check_terms()
        return vals_list

    def _check_terms(self):
        """Raise ``ValidationError`` with what is wrong. To be extended."""
