# Written by scripts/completions.py with shtab (https://github.com/tqdm/shtab).

_shtab_startifact_subparsers=(stage download info link projects versions promote rollback channels yank unyank prune copy lock verify repair doctor bootstrap setup completion policy)

_shtab_startifact_stage_option_strings=(--archive --include-hidden -m --metadata --save-filename --required-regions --if-exists --replicate --dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_download_option_strings=(--min-age --load-filename --extract --overwrite --max-members --max-extracted-size --max-ratio --lock-file --sha256 --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_info_option_strings=(--min-age --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_link_option_strings=(--min-age --expires --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_projects_option_strings=(--regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_versions_option_strings=(--channel --range --since --where --limit --long --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_promote_option_strings=(--min-age --expect --expect-none --allow-yanked --required-regions --dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_rollback_option_strings=(--allow-yanked --to --required-regions --dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_channels_option_strings=(--expect --remove --history --dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_yank_option_strings=(--reason --dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_unyank_option_strings=(--dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_prune_option_strings=(--range --keep-versions --keep-prereleases --older-than --grace --yes --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_copy_option_strings=(--min-age --to --to-profile --to-role --to-configuration-parameter --required-regions --dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_lock_option_strings=(--min-age --lock-file --update --check --dry-run --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_verify_option_strings=(--read-data --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_repair_option_strings=(--required-regions --dry-run --read-data --keep --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_doctor_option_strings=(--channel --for --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_bootstrap_option_strings=(--yes --dry-run --name --github --show-template --bucket-name-param --bucket-key-prefix --parameter-name-prefix --project --channel --bucket --kms-key --bucket-owner --storage-class --object-tag --object-lock-mode --object-lock-days --mirrored-channel --endpoint --use-dualstack --use-fips --unset --remove-region --branch --tag --environment --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_setup_option_strings=(--regions --dry-run --bucket-name-param --bucket-key-prefix --parameter-name-prefix --kms-key --bucket-owner --storage-class --object-tag --object-lock-mode --object-lock-days --mirrored-channel --endpoint --use-dualstack --use-fips --unset --remove-region --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_completion_option_strings=(--traceback -h --help --version)
_shtab_startifact_policy_option_strings=(--name --bucket-name-param --bucket-key-prefix --parameter-name-prefix --project --channel --deny-channel --bucket --account --partition --kms-key --to-role --object-tags --object-lock --trust --branch --tag --environment --regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)
_shtab_startifact_option_strings=(--regions --configuration-parameter --deadline --json -v --verbose -q --quiet --traceback -h --help --version)

_shtab_startifact_stage_pos_1_COMPGEN=_shtab_compgen_files
_shtab_startifact_download_pos_1_COMPGEN=_shtab_compgen_files
_shtab_startifact_download___lock_file_COMPGEN=_shtab_compgen_files
_shtab_startifact_lock___lock_file_COMPGEN=_shtab_compgen_files

_shtab_startifact_stage___archive_choices=(tar.gz zip)
_shtab_startifact_stage___required_regions_choices=(majority all)
_shtab_startifact_stage___if_exists_choices=(fail keep)
_shtab_startifact_stage___replicate_choices=(auto direct)
_shtab_startifact_promote___required_regions_choices=(majority all)
_shtab_startifact_rollback___required_regions_choices=(majority all)
_shtab_startifact_copy___required_regions_choices=(majority all)
_shtab_startifact_repair___required_regions_choices=(majority all)
_shtab_startifact_doctor___for_choices=(stage download info link versions projects promote rollback channels channels-remove lock yank unyank prune copy-from copy-to verify repair repair-keep setup)
_shtab_startifact_bootstrap___show_template_choices=(region roles)
_shtab_startifact_bootstrap___storage_class_choices=(STANDARD STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER_IR)
_shtab_startifact_bootstrap___object_lock_mode_choices=(GOVERNANCE COMPLIANCE)
_shtab_startifact_bootstrap___use_dualstack_choices=(true false)
_shtab_startifact_bootstrap___use_fips_choices=(true false)
_shtab_startifact_setup___storage_class_choices=(STANDARD STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER_IR)
_shtab_startifact_setup___object_lock_mode_choices=(GOVERNANCE COMPLIANCE)
_shtab_startifact_setup___use_dualstack_choices=(true false)
_shtab_startifact_setup___use_fips_choices=(true false)
_shtab_startifact_completion_pos_0_choices=(bash fish zsh)
_shtab_startifact_policy___partition_choices=(aws aws-cn aws-us-gov aws-eusc)
_shtab_startifact_pos_0_choices=(stage download info link projects versions promote rollback channels yank unyank prune copy lock verify repair doctor bootstrap setup completion policy)

_shtab_startifact_stage_pos_0_nargs=1
_shtab_startifact_stage_pos_1_nargs=+
_shtab_startifact_stage___include_hidden_nargs=0
_shtab_startifact_stage___save_filename_nargs=0
_shtab_startifact_stage___dry_run_nargs=0
_shtab_startifact_stage___json_nargs=0
_shtab_startifact_stage__v_nargs=0
_shtab_startifact_stage___verbose_nargs=0
_shtab_startifact_stage__q_nargs=0
_shtab_startifact_stage___quiet_nargs=0
_shtab_startifact_stage___traceback_nargs=0
_shtab_startifact_stage__h_nargs=0
_shtab_startifact_stage___help_nargs=0
_shtab_startifact_stage___version_nargs=0
_shtab_startifact_download_pos_0_nargs=1
_shtab_startifact_download___load_filename_nargs=0
_shtab_startifact_download___extract_nargs=0
_shtab_startifact_download___overwrite_nargs=0
_shtab_startifact_download___json_nargs=0
_shtab_startifact_download__v_nargs=0
_shtab_startifact_download___verbose_nargs=0
_shtab_startifact_download__q_nargs=0
_shtab_startifact_download___quiet_nargs=0
_shtab_startifact_download___traceback_nargs=0
_shtab_startifact_download__h_nargs=0
_shtab_startifact_download___help_nargs=0
_shtab_startifact_download___version_nargs=0
_shtab_startifact_info_pos_0_nargs=1
_shtab_startifact_info___json_nargs=0
_shtab_startifact_info__v_nargs=0
_shtab_startifact_info___verbose_nargs=0
_shtab_startifact_info__q_nargs=0
_shtab_startifact_info___quiet_nargs=0
_shtab_startifact_info___traceback_nargs=0
_shtab_startifact_info__h_nargs=0
_shtab_startifact_info___help_nargs=0
_shtab_startifact_info___version_nargs=0
_shtab_startifact_link_pos_0_nargs=1
_shtab_startifact_link___json_nargs=0
_shtab_startifact_link__v_nargs=0
_shtab_startifact_link___verbose_nargs=0
_shtab_startifact_link__q_nargs=0
_shtab_startifact_link___quiet_nargs=0
_shtab_startifact_link___traceback_nargs=0
_shtab_startifact_link__h_nargs=0
_shtab_startifact_link___help_nargs=0
_shtab_startifact_link___version_nargs=0
_shtab_startifact_projects___json_nargs=0
_shtab_startifact_projects__v_nargs=0
_shtab_startifact_projects___verbose_nargs=0
_shtab_startifact_projects__q_nargs=0
_shtab_startifact_projects___quiet_nargs=0
_shtab_startifact_projects___traceback_nargs=0
_shtab_startifact_projects__h_nargs=0
_shtab_startifact_projects___help_nargs=0
_shtab_startifact_projects___version_nargs=0
_shtab_startifact_versions_pos_0_nargs=1
_shtab_startifact_versions___long_nargs=0
_shtab_startifact_versions___json_nargs=0
_shtab_startifact_versions__v_nargs=0
_shtab_startifact_versions___verbose_nargs=0
_shtab_startifact_versions__q_nargs=0
_shtab_startifact_versions___quiet_nargs=0
_shtab_startifact_versions___traceback_nargs=0
_shtab_startifact_versions__h_nargs=0
_shtab_startifact_versions___help_nargs=0
_shtab_startifact_versions___version_nargs=0
_shtab_startifact_promote_pos_0_nargs=1
_shtab_startifact_promote___expect_none_nargs=0
_shtab_startifact_promote___allow_yanked_nargs=0
_shtab_startifact_promote___dry_run_nargs=0
_shtab_startifact_promote___json_nargs=0
_shtab_startifact_promote__v_nargs=0
_shtab_startifact_promote___verbose_nargs=0
_shtab_startifact_promote__q_nargs=0
_shtab_startifact_promote___quiet_nargs=0
_shtab_startifact_promote___traceback_nargs=0
_shtab_startifact_promote__h_nargs=0
_shtab_startifact_promote___help_nargs=0
_shtab_startifact_promote___version_nargs=0
_shtab_startifact_rollback_pos_0_nargs=1
_shtab_startifact_rollback___allow_yanked_nargs=0
_shtab_startifact_rollback___dry_run_nargs=0
_shtab_startifact_rollback___json_nargs=0
_shtab_startifact_rollback__v_nargs=0
_shtab_startifact_rollback___verbose_nargs=0
_shtab_startifact_rollback__q_nargs=0
_shtab_startifact_rollback___quiet_nargs=0
_shtab_startifact_rollback___traceback_nargs=0
_shtab_startifact_rollback__h_nargs=0
_shtab_startifact_rollback___help_nargs=0
_shtab_startifact_rollback___version_nargs=0
_shtab_startifact_channels_pos_0_nargs=1
_shtab_startifact_channels___history_nargs=0
_shtab_startifact_channels___dry_run_nargs=0
_shtab_startifact_channels___json_nargs=0
_shtab_startifact_channels__v_nargs=0
_shtab_startifact_channels___verbose_nargs=0
_shtab_startifact_channels__q_nargs=0
_shtab_startifact_channels___quiet_nargs=0
_shtab_startifact_channels___traceback_nargs=0
_shtab_startifact_channels__h_nargs=0
_shtab_startifact_channels___help_nargs=0
_shtab_startifact_channels___version_nargs=0
_shtab_startifact_yank_pos_0_nargs=1
_shtab_startifact_yank___dry_run_nargs=0
_shtab_startifact_yank___json_nargs=0
_shtab_startifact_yank__v_nargs=0
_shtab_startifact_yank___verbose_nargs=0
_shtab_startifact_yank__q_nargs=0
_shtab_startifact_yank___quiet_nargs=0
_shtab_startifact_yank___traceback_nargs=0
_shtab_startifact_yank__h_nargs=0
_shtab_startifact_yank___help_nargs=0
_shtab_startifact_yank___version_nargs=0
_shtab_startifact_unyank_pos_0_nargs=1
_shtab_startifact_unyank___dry_run_nargs=0
_shtab_startifact_unyank___json_nargs=0
_shtab_startifact_unyank__v_nargs=0
_shtab_startifact_unyank___verbose_nargs=0
_shtab_startifact_unyank__q_nargs=0
_shtab_startifact_unyank___quiet_nargs=0
_shtab_startifact_unyank___traceback_nargs=0
_shtab_startifact_unyank__h_nargs=0
_shtab_startifact_unyank___help_nargs=0
_shtab_startifact_unyank___version_nargs=0
_shtab_startifact_prune_pos_0_nargs=1
_shtab_startifact_prune___yes_nargs=0
_shtab_startifact_prune___json_nargs=0
_shtab_startifact_prune__v_nargs=0
_shtab_startifact_prune___verbose_nargs=0
_shtab_startifact_prune__q_nargs=0
_shtab_startifact_prune___quiet_nargs=0
_shtab_startifact_prune___traceback_nargs=0
_shtab_startifact_prune__h_nargs=0
_shtab_startifact_prune___help_nargs=0
_shtab_startifact_prune___version_nargs=0
_shtab_startifact_copy_pos_0_nargs=1
_shtab_startifact_copy___dry_run_nargs=0
_shtab_startifact_copy___json_nargs=0
_shtab_startifact_copy__v_nargs=0
_shtab_startifact_copy___verbose_nargs=0
_shtab_startifact_copy__q_nargs=0
_shtab_startifact_copy___quiet_nargs=0
_shtab_startifact_copy___traceback_nargs=0
_shtab_startifact_copy__h_nargs=0
_shtab_startifact_copy___help_nargs=0
_shtab_startifact_copy___version_nargs=0
_shtab_startifact_lock_pos_0_nargs='*'
_shtab_startifact_lock___update_nargs=0
_shtab_startifact_lock___check_nargs=0
_shtab_startifact_lock___dry_run_nargs=0
_shtab_startifact_lock___json_nargs=0
_shtab_startifact_lock__v_nargs=0
_shtab_startifact_lock___verbose_nargs=0
_shtab_startifact_lock__q_nargs=0
_shtab_startifact_lock___quiet_nargs=0
_shtab_startifact_lock___traceback_nargs=0
_shtab_startifact_lock__h_nargs=0
_shtab_startifact_lock___help_nargs=0
_shtab_startifact_lock___version_nargs=0
_shtab_startifact_verify_pos_0_nargs=1
_shtab_startifact_verify___read_data_nargs=0
_shtab_startifact_verify___json_nargs=0
_shtab_startifact_verify__v_nargs=0
_shtab_startifact_verify___verbose_nargs=0
_shtab_startifact_verify__q_nargs=0
_shtab_startifact_verify___quiet_nargs=0
_shtab_startifact_verify___traceback_nargs=0
_shtab_startifact_verify__h_nargs=0
_shtab_startifact_verify___help_nargs=0
_shtab_startifact_verify___version_nargs=0
_shtab_startifact_repair_pos_0_nargs=1
_shtab_startifact_repair___dry_run_nargs=0
_shtab_startifact_repair___read_data_nargs=0
_shtab_startifact_repair___json_nargs=0
_shtab_startifact_repair__v_nargs=0
_shtab_startifact_repair___verbose_nargs=0
_shtab_startifact_repair__q_nargs=0
_shtab_startifact_repair___quiet_nargs=0
_shtab_startifact_repair___traceback_nargs=0
_shtab_startifact_repair__h_nargs=0
_shtab_startifact_repair___help_nargs=0
_shtab_startifact_repair___version_nargs=0
_shtab_startifact_doctor___json_nargs=0
_shtab_startifact_doctor__v_nargs=0
_shtab_startifact_doctor___verbose_nargs=0
_shtab_startifact_doctor__q_nargs=0
_shtab_startifact_doctor___quiet_nargs=0
_shtab_startifact_doctor___traceback_nargs=0
_shtab_startifact_doctor__h_nargs=0
_shtab_startifact_doctor___help_nargs=0
_shtab_startifact_doctor___version_nargs=0
_shtab_startifact_bootstrap___yes_nargs=0
_shtab_startifact_bootstrap___dry_run_nargs=0
_shtab_startifact_bootstrap___json_nargs=0
_shtab_startifact_bootstrap__v_nargs=0
_shtab_startifact_bootstrap___verbose_nargs=0
_shtab_startifact_bootstrap__q_nargs=0
_shtab_startifact_bootstrap___quiet_nargs=0
_shtab_startifact_bootstrap___traceback_nargs=0
_shtab_startifact_bootstrap__h_nargs=0
_shtab_startifact_bootstrap___help_nargs=0
_shtab_startifact_bootstrap___version_nargs=0
_shtab_startifact_setup___dry_run_nargs=0
_shtab_startifact_setup___json_nargs=0
_shtab_startifact_setup__v_nargs=0
_shtab_startifact_setup___verbose_nargs=0
_shtab_startifact_setup__q_nargs=0
_shtab_startifact_setup___quiet_nargs=0
_shtab_startifact_setup___traceback_nargs=0
_shtab_startifact_setup__h_nargs=0
_shtab_startifact_setup___help_nargs=0
_shtab_startifact_setup___version_nargs=0
_shtab_startifact_completion_pos_0_nargs=1
_shtab_startifact_completion___traceback_nargs=0
_shtab_startifact_completion__h_nargs=0
_shtab_startifact_completion___help_nargs=0
_shtab_startifact_completion___version_nargs=0
_shtab_startifact_policy_pos_0_nargs='*'
_shtab_startifact_policy___object_tags_nargs=0
_shtab_startifact_policy___object_lock_nargs=0
_shtab_startifact_policy___json_nargs=0
_shtab_startifact_policy__v_nargs=0
_shtab_startifact_policy___verbose_nargs=0
_shtab_startifact_policy__q_nargs=0
_shtab_startifact_policy___quiet_nargs=0
_shtab_startifact_policy___traceback_nargs=0
_shtab_startifact_policy__h_nargs=0
_shtab_startifact_policy___help_nargs=0
_shtab_startifact_policy___version_nargs=0
_shtab_startifact_pos_0_nargs=A...
_shtab_startifact___json_nargs=0
_shtab_startifact__v_nargs=0
_shtab_startifact___verbose_nargs=0
_shtab_startifact__q_nargs=0
_shtab_startifact___quiet_nargs=0
_shtab_startifact___traceback_nargs=0
_shtab_startifact__h_nargs=0
_shtab_startifact___help_nargs=0
_shtab_startifact___version_nargs=0

# $1=COMP_WORDS[1]
_shtab_compgen_files() {
  compgen -f -- $1  # files
}

# $1=COMP_WORDS[1]
_shtab_compgen_dirs() {
  compgen -d -- $1  # recurse into subdirs
}

# $1=COMP_WORDS[1]
_shtab_replace_nonword() {
  echo "${1//[^[:word:]]/_}"
}

# set default values (called for the initial parser & any subparsers)
_set_parser_defaults() {
  local subparsers_var="${prefix}_subparsers[@]"
  sub_parsers=${!subparsers_var-}

  local current_option_strings_var="${prefix}_option_strings[@]"
  current_option_strings=${!current_option_strings_var}

  completed_positional_actions=0

  _set_new_action "pos_$completed_positional_actions" true
}

# $1=action identifier
# $2=positional action (bool)
# set all identifiers for an action's parameters
_set_new_action() {
  current_action="${prefix}_$(_shtab_replace_nonword $1)"

  local current_action_compgen_var=${current_action}_COMPGEN
  current_action_compgen="${!current_action_compgen_var-}"

  local current_action_choices_var="${current_action}_choices[@]"
  current_action_choices="${!current_action_choices_var-}"

  local current_action_nargs_var="${current_action}_nargs"
  if [ -n "${!current_action_nargs_var-}" ]; then
    current_action_nargs="${!current_action_nargs_var}"
  else
    current_action_nargs=1
  fi

  current_action_args_start_index=$(( $word_index + 1 - $pos_only ))

  current_action_is_positional=$2
}

# Notes:
# `COMPREPLY`: what will be rendered after completion is triggered
# `completing_word`: currently typed word to generate completions for
# `${!var}`: evaluates the content of `var` and expand its content as a variable
#     hello="world"
#     x="hello"
#     ${!x} -> ${hello} -> "world"
_shtab_startifact() {
  local completing_word="${COMP_WORDS[COMP_CWORD]}"
  local previous_word="${COMP_WORDS[COMP_CWORD-1]}"
  local completed_positional_actions
  local current_action
  local current_action_args_start_index
  local current_action_choices
  local current_action_compgen
  local current_action_is_positional
  local current_action_nargs
  local current_option_strings
  local sub_parsers
  COMPREPLY=()

  local prefix=_shtab_startifact
  local word_index=0
  local pos_only=0 # "--" delimiter not encountered yet
  _set_parser_defaults
  word_index=1

  # determine what arguments are appropriate for the current state
  # of the arg parser
  while [ $word_index -ne $COMP_CWORD ]; do
    local this_word="${COMP_WORDS[$word_index]}"

    if [[ $pos_only = 1 || " $this_word " != " -- " ]]; then
      if [[ -n $sub_parsers && " ${sub_parsers[@]} " == *" $this_word "* ]]; then
        # valid subcommand: add it to the prefix & reset the current action
        prefix="${prefix}_$(_shtab_replace_nonword $this_word)"
        _set_parser_defaults
      fi

      if [[ " ${current_option_strings[@]} " == *" $this_word "* ]]; then
        # a new action should be acquired (due to recognised option string or
        # no more input expected from current action);
        # the next positional action can fill in here
        _set_new_action $this_word false
      fi

      if [[ "$current_action_nargs" != "*" ]] && \
         [[ "$current_action_nargs" != "+" ]] && \
         [[ "$current_action_nargs" != "?" ]] && \
         [[ "$current_action_nargs" != *"..." ]] && \
         (( $word_index + 1 - $current_action_args_start_index - $pos_only >= \
            $current_action_nargs )); then
        $current_action_is_positional && let "completed_positional_actions += 1"
        _set_new_action "pos_$completed_positional_actions" true
      fi
    else
      pos_only=1 # "--" delimiter encountered
    fi

    let "word_index+=1"
  done

  # Generate the completions

  COMPREPLY=()
  if [[ $pos_only = 0 && "$completing_word" == -* &&
        ( -z "$current_action_compgen" || "$current_action_is_positional" = true ) ]]; then
    # optional argument started: use option strings
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_option_strings[*]}" -- "$completing_word")
  elif [[ "$previous_word" =~ ^[0-9\&]*[\<\>]\>?$ ]]; then
    # handle redirection operators
    compopt -o filenames 2>/dev/null || : # bash>=4
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$completing_word")
  else
    # use choices & compgen
    local action_compgen_word="$completing_word"
    # handle tab-completing in the middle of a line (#248 <- #116)
    [[ -n "$current_action_compgen" && "$completing_word" == -* ]] && action_compgen_word=""
    [ -n "$current_action_compgen" ] && {
      [[ "$current_action_compgen" =~ _(file|dir|glob|FILE|DIR|GLOB)|File|Dir|Glob ]] &&
        compopt -o filenames 2>/dev/null || : # bash>=4
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "$current_action_compgen" "$action_compgen_word")
    }
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_action_choices[*]}" -- "$completing_word")
  fi

  if [[ ${#COMPREPLY[@]} = 0 ]]; then
    # native fallback matches are not necessarily filenames (e.g. variables)
    compopt +o filenames 2>/dev/null || : # bash>=4
  fi

  return 0
}

# bash takes @, : and = for ends of words: this joins what belongs together, and parts an option
# from its value. What is offered then begins where bash thinks that the word begins.
_startifact() {
  local line="${COMP_LINE:0:COMP_POINT}" word trimmed last prefix breaks
  local -a joined=() words=()
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    trimmed="${line#"${line%%[![:space:]]*}"}"
    if [[ "$trimmed" == "$line" && ${#joined[@]} -gt 0 ]]; then
      joined[${#joined[@]}-1]+="$word"
    else
      joined+=("$word")
    fi
    line="${trimmed#"$word"}"
  done
  for word in "${joined[@]}"; do
    if [[ "$word" == --*=* ]]; then
      words+=("${word%%=*}" "${word#*=}")
    else
      words+=("$word")
    fi
  done
  last="${words[${#words[@]}-1]}"
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$((${#words[@]} - 1))
  _shtab_startifact
  # Somebody may have taken them out of what ends a word.
  breaks="${COMP_WORDBREAKS//[^=:@]/}"
  if [[ -n "$breaks" ]]; then
    prefix="${last%"${last##*[$breaks]}"}"
    COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
  fi
  if [[ "$breaks" != *=* && "$word" == --*=* ]]; then
    COMPREPLY=("${COMPREPLY[@]/#/${word%%=*}=}")
  fi
}

complete -F _startifact startifact
