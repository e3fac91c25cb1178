from . import crm_contract_finish
from . import crm_contract_stage_return
