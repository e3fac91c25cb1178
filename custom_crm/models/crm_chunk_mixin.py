import logging

from odoo import api, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

CHUNK_SIZE = 100
MAX_CONFLICTS = 10


class CrmChunkMixin(models.AbstractModel):
    """Records that a scheduled action works on."""

    _name = "crm.chunk.mixin"
    _description = "Worked on in Chunks"

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _work_in_chunks(self, domain, method):
        """Call the method on the records of the domain, saved chunk by chunk. For scheduled actions only.

        What somebody is working on is left to the next time. Records of a chunk that fails are tried one by one, so one
        that can't be worked on stops no other; the log says which.

        :return: whether time is left
        """
        Cron = self.env["ir.cron"]
        has_time = Cron._commit_progress(remaining=self.search_count(domain))
        last_id = conflicts = 0
        size = CHUNK_SIZE
        while has_time and conflicts < MAX_CONFLICTS:
            records = self.search(domain & Domain("id", ">", last_id), order="id", limit=size)
            if not records:
                break
            try:
                getattr(records.try_lock_for_update(allow_referencing=True), method)()
                has_time = Cron._commit_progress(len(records))
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # A user was faster: look at the chunk again.
                self.env.cr.rollback()
                conflicts += 1
                continue
            except Exception:
                self.env.cr.rollback()
                if len(records) > 1:
                    size = 1
                    continue
                _logger.exception("%s failed for %s", method, records)
            last_id = records[-1].id
        return has_time
