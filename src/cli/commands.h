/* cli/commands.h: what each command runs; the table is in commands.c. Private to the room. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

cli_run_fn app_add_source_run, app_remove_source_run, app_unset_run;
cli_run_fn app_confirm_deletion_run, app_delete_resource_run, app_patch_resource_run;
cli_run_fn app_create_run, app_delete_run, app_diff_run, app_get_run, app_history_run, app_list_run,
    app_manifests_run, app_patch_run, app_resources_run, app_rollback_run, app_set_run,
    app_sync_run, app_terminate_run, app_wait_run;
cli_run_fn account_can_i_run, account_delete_token_run, account_generate_token_run, account_get_run,
    account_list_run, account_update_password_run, account_user_info_run;
cli_run_fn login_run, logout_run, relogin_run, context_run, configure_run;
cli_run_fn version_run, completion_run;

#endif
