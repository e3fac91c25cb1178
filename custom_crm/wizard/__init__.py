from . import crm_contract_finish
from . import crm_contract_price_revision
from . import crm_contract_price_revision_line
from . import crm_contract_resume
from . import crm_contract_stage_reassign
from . import crm_contract_stage_return
from . import crm_contract_stage_stop
from . import crm_contract_suspend
