from odoo import api, models


class CrmProcess(models.Model):
    """The owner of a process takes over what others leave behind, so a process goes over as well."""

    _inherit = "crm.process"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _search_abandoned(self, users=None):
        """Processes, archived ones too, whose owner (one of the users) can't take over anything. Run it with sudo."""
        Processes = self.with_context(active_test=False)
        processes = Processes.search([] if users is None else [("user_id", "in", users.ids)])
        return processes.filtered(lambda process: not process.user_id._can_be_responsible(process.company_id))

    def _hand_over_abandoned(self):
        """Give the processes to the default responsible of their company, of the main one if they have none.

        Where there is none, they stay with their owner. That leaves nobody alone: an owner who can't be responsible
        gets no stage, and what is late is told to the responsible of the contract.
        """
        main_company = self.env.ref("base.main_company")
        for user, processes in self.grouped(lambda process: process._get_successor(main_company)).items():
            if user:
                processes.user_id = user

    def _get_successor(self, main_company):
        self.ensure_one()
        company = self.company_id or main_company
        return company.crm_default_user_id._filter_responsible(company)
