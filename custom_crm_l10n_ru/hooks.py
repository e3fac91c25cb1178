def post_init_hook(env):
    """Russian companies print the QR code from now on; whoever doesn't want it takes it off in the settings."""
    env["res.company"].search([])._switch_on_qr_code()
