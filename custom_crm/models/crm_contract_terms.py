from collections import Counter

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

TERMS_FIELDS = (
    "billing_alignment",
    "billing_period",
    "billing_timing",
    "date_end",
    "date_start",
    "kind",
    "payment_day",
)


class CrmContract(models.Model):
    """Terms and numbers of contracts: what the database keeps as well, in words for the user."""

    _name = "crm.contract"
    _inherit = ["crm.contract", "crm.terms.mixin"]

    _terms_fields = (*TERMS_FIELDS, "name")

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains(*TERMS_FIELDS)
    def _check_terms(self):
        # EXTENDS 'crm.terms.mixin'
        for contract in self:
            contract._check_days()
            if contract.kind == "subscription":
                contract._check_subscription()

    def _check_days(self):
        if self.date_start and self.date_end and self.date_end < self.date_start:
            raise ValidationError(
                self.env._(
                    "Contract %(contract)s begins on %(date)s, it can't end before.",
                    contract=self.display_name,
                    date=format_date(self.env, self.date_start),
                )
            )

    def _check_subscription(self):
        if not 1 <= self.payment_day <= 31:
            raise ValidationError(
                self.env._(
                    "Contract %(contract)s needs its planned payment day: a day of the month, from 1 to 31.",
                    contract=self.display_name,
                )
            )
        if not (self.billing_period and self.billing_alignment and self.billing_timing):
            raise ValidationError(
                self.env._(
                    "Contract %(contract)s is a subscription: choose its billing period, how its periods are counted, "
                    "and whether it is billed in advance.",
                    contract=self.display_name,
                )
            )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def _prepare_create_values(self, vals_list):
        vals_list = super()._prepare_create_values(vals_list)
        numbers = Counter((vals["company_id"], vals["name"]) for vals in vals_list)
        self._check_numbers_free(numbers)
        return vals_list

    def write(self, vals):
        if {"company_id", "name"} & vals.keys():
            self._check_numbers_free(
                Counter(
                    (vals.get("company_id", contract.company_id.id), vals.get("name", contract.name))
                    for contract in self
                )
            )
        return super().write(vals)

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _check_numbers_free(self, numbers):
        """Refuse numbers that other contracts have, or that several of these would have.

        :param dict numbers: how often a (company id, number) is wanted
        """
        # sudo: a number is taken, whether the user sees its contract or not.
        taken = self.sudo()._read_group(
            [
                ("company_id", "in", [company_id for company_id, _name in numbers]),
                ("name", "in", [name for _company_id, name in numbers]),
                ("id", "not in", self.ids),
            ],
            ["company_id", "name"],
        )
        taken = {(company.id, name) for company, name in taken}
        for key, count in numbers.items():
            if count > 1 or key in taken:
                raise ValidationError(
                    self.env._(
                        "The company has a contract with the number %(number)s already. Enter another number.",
                        number=key[1],
                    )
                )
