def uninstall_hook(env):
    """Jobs whose method is gone would be tried for ever."""
    functions = env.ref("custom_crm_queue.job_function_bill_in_job")
    functions |= env.ref("custom_crm_queue.job_function_mail_in_job")
    env["queue.job"].search([("job_function_id", "in", functions.ids)]).unlink()
