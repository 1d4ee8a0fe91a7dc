#compdef startifact

# Written by scripts/completions.py with shtab (https://github.com/tqdm/shtab).

_shtab_startifact_commands() {
  local _commands=(
    bootstrap:'Make all that an organisation needs in AWS: buckets, parameters and roles.'
    channels:'List the channels of a project, and what each points at.'
    completion:'Print what makes a shell complete Startifact'"'"'s commands, options and their values.'
    copy:'Bring an artifact into other regions, such as those of another organisation.'
    doctor:'Say what works in each region, what does not, and what to do about it.'
    download:'Bring an artifact back, verified.'
    info:'Show what is known about an artifact.'
    link:'Make a link with which anybody can download an artifact for a while.'
    lock:'Record in a lock file which bytes selectors pick now, move its entries on, or check them.'
    policy:'Print the IAM policy for a role that runs commands, or who may take on that role.'
    projects:'List the projects that have anything staged, by name.'
    promote:'Point a channel at a version.'
    prune:'Remove old versions for good, in two runs.'
    repair:'Fill regions that lack something, and move latest forward.'
    rollback:'Point a channel at what it pointed at before.'
    setup:'Write the organisation configuration into SSM in every AWS region.'
    stage:'Make a file, or an archive of several, available as a version in every region.'
    unyank:'Take a version back into the choice of ranges.'
    verify:'Compare all regions, and say what differs.'
    versions:'List the versions of a project, newest first.'
    yank:'Take a version out of the choice of ranges.'
  )
  _describe 'startifact commands' _commands
}

_shtab_startifact_options=(
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_defaults_added=0

_shtab_startifact_bootstrap_options=(
  "--yes[Do not ask before anything is changed]"
  "--dry-run[Write nothing, and only say what would be done]"
  "--name=[What the names of all that is made begin with]:NAME:"
  "*--github[A repository of GitHub whose runs take on the roles to read, stage, promote and prune]:ORGANISATION/REPOSITORY:"
  "--show-template=[Print the CloudFormation template of a region, or of the roles, and do nothing]:{region,roles}:(region roles)"
  "--bucket-name-param=[The SSM parameter that holds the name of each region\'s bucket]:NAME:"
  "--bucket-key-prefix=[What every key begins with, exactly as written]:PREFIX:"
  "--parameter-name-prefix=[What the names of the parameters that follow latest begin with]:PREFIX:"
  "*--project[A project that the roles are for, or a pattern of names such as \'Web-\*\']:NAME:"
  "*--channel[A channel that gets a role of its own, for jobs of the environment of its name]:NAME:"
  "*--bucket[The bucket of a region, which is taken in where it is there]:REGION=NAME:"
  "*--kms-key[The key in KMS that encrypts every object]:[REGION=]KEY:"
  "*--bucket-owner[The account that the buckets have to belong to, for all regions, or as eu-west-1\=NUMBER for one]:[REGION=]NUMBER:"
  "--storage-class=[The storage class of artifacts]:CLASS:(STANDARD STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER_IR)"
  "*--object-tag[A tag of artifacts]:NAME=VALUE:"
  "--object-lock-mode=[How Object Lock retains artifacts, in buckets that have it]:{GOVERNANCE,COMPLIANCE}:(GOVERNANCE COMPLIANCE)"
  "--object-lock-days=[For how many days from when they are written]:DAYS:"
  "*--mirrored-channel[A channel that is copied to SSM, beside latest, which always is]:NAME:"
  "*--endpoint[Where the requests to a region\'s bucket go]:REGION=URL:"
  "--use-dualstack=[Whether S3 is reached by IPv6 too]:{true,false}:(true false)"
  "--use-fips=[Whether S3 is reached by its FIPS endpoints]:{true,false}:(true false)"
  "*--unset[A key that the configuration is to lose]:KEY:"
  "*--remove-region[An AWS region that the configuration has, and is to lose]:REGION:"
  "*--branch[A branch whose runs take on the roles to read, stage and prune, or a pattern such as \'release\/\*\']:NAME:"
  "*--tag[A tag whose runs take on the role, or a pattern such as \'v\*\']:NAME:"
  "*--environment[An environment whose jobs take on the role]:NAME:"
  "--regions=[AWS regions, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_bootstrap_defaults_added=0

_shtab_startifact_channels_options=(
  "--expect=[With --remove, what the channel has to point at now, an exact version, another channel or a range]:SELECTOR:"
  "--remove=[The channel to take away, so that it points at nothing]:CHANNEL:"
  "--history[Show the last moves of each channel too]"
  "--dry-run[With --remove, write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_channels_defaults_added=0

_shtab_startifact_completion_options=(
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":The shell, one of bash, fish, zsh:(bash fish zsh)"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_completion_defaults_added=0

_shtab_startifact_copy_options=(
  "--min-age=[How long ago the version that a range picks has to have been staged at least]:TIME:"
  "--to=[The regions to copy to, separated by commas, spaces or newlines]:REGIONS:"
  "--to-profile=[The profile of the AWS configuration that reaches the regions to copy to]:NAME:"
  "--to-role=[The ARN of an IAM role that is taken on for the regions to copy to, by whoever reaches those to copy from]:ARN:"
  "--to-configuration-parameter=[The SSM parameter that holds the organisation configuration of the regions to copy to]:NAME:"
  "--required-regions=[How many regions have to hold the artifact for a staging to succeed, or before a channel is moved to it]:{majority,all,N}:(majority all)"
  "--dry-run[Write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000, SugarWater\@prod or \'SugarWater\@\^1.2\':()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_copy_defaults_added=0

_shtab_startifact_doctor_options=(
  "--channel=[The channel whose permissions are tried, with --for promote and its like]:CHANNEL:"
  "--for=[What permissions are tried for]:COMMAND:(stage download info link versions projects promote rollback channels channels-remove lock yank unyank prune copy-from copy-to verify repair repair-keep setup)"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_doctor_defaults_added=0

_shtab_startifact_download_options=(
  "--min-age=[How long ago the version that a range picks has to have been staged at least]:TIME:"
  "--load-filename[Download under the stored file name, in the directory that path names, which is made]"
  "--extract[Extract the artifact, a zip or a tar (also gzip, bzip2 or xz), into the directory that path names]"
  "--overwrite[Replace files that are in the directory already]"
  "--max-members=[How many members the archive may have, the folders that they are in included]:COUNT:"
  "--max-extracted-size=[How large all members together may be]:SIZE:"
  "--max-ratio=[How many times as large as the archive that may be, where it is 64 MiB or more]:COUNT:"
  "--lock-file=[The lock file that says which version and bytes to bring for this selector]:FILE:_files"
  "--sha256=[The SHA-256 that the artifact has to have, in hexadecimal]:DIGEST:"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000, SugarWater\@prod or \'SugarWater\@\^1.2\':()"
  ":The file to write, - for standard output:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_download_defaults_added=0

_shtab_startifact_info_options=(
  "--min-age=[How long ago the version that a range picks has to have been staged at least]:TIME:"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000, SugarWater\@prod or \'SugarWater\@\^1.2\':()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_info_defaults_added=0

_shtab_startifact_link_options=(
  "--min-age=[How long ago the version that a range picks has to have been staged at least]:TIME:"
  "--expires=[How long the link works]:TIME:"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000, SugarWater\@prod or \'SugarWater\@\^1.2\':()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_link_defaults_added=0

_shtab_startifact_lock_options=(
  "--min-age=[How long ago the version that a range picks has to have been staged at least]:TIME:"
  "--lock-file=[The lock file]:FILE:_files"
  "--update[Move every entry of the lock file to what its selector picks now]"
  "--check[Say whether every entry of the lock file can still be had, and write nothing]"
  "--dry-run[Write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  "(*)::Such as SugarWater\@1.0.9000, SugarWater\@prod or \'SugarWater\@\^1.2\':()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_lock_defaults_added=0

_shtab_startifact_policy_options=(
  "--name=[With bootstrap, the name that it is given]:NAME:"
  "--bucket-name-param=[The SSM parameter, your own, that holds the name of each region\'s bucket]:NAME:"
  "--bucket-key-prefix=[What every key begins with, exactly as written]:PREFIX:"
  "--parameter-name-prefix=[What the names of the parameters that follow latest begin with]:PREFIX:"
  "*--project[A project that the role is for, or a pattern of names such as \'Web-\*\']:NAME:"
  "*--channel[A channel that the role may move]:NAME:"
  "*--deny-channel[A channel that the role may move in no project, whatever else it is allowed]:NAME:"
  "*--bucket[The name of a region\'s bucket, as eu-west-1\=NAME, or of all, in which \* stands for what differs]:[REGION=]NAME:"
  "--account=[The number of the AWS account]:NUMBER:"
  "--partition=[The partition of AWS]:{aws,aws-cn,aws-us-gov,aws-eusc}:(aws aws-cn aws-us-gov aws-eusc)"
  "*--kms-key[The ARN of the key in KMS that a bucket is encrypted with]:ARN:"
  "*--to-role[The ARN of a role that copy-from takes on for the regions to copy to]:ARN:"
  "--object-tags[Artifacts are stored with object_tags, which takes a permission of its own]"
  "--object-lock[Artifacts are retained with object_lock_mode, which takes a permission of its own]"
  "--trust=[Print the trust policy instead]:ORGANISATION/REPOSITORY:"
  "*--branch[A branch whose runs take on the role, or a pattern such as \'release\/\*\']:NAME:"
  "*--tag[A tag whose runs take on the role, or a pattern such as \'v\*\']:NAME:"
  "*--environment[An environment whose jobs take on the role]:NAME:"
  "--regions=[AWS regions or s3\:\/\/ buckets, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  "(*)::Such as stage, or several, for a role that does them all:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_policy_defaults_added=0

_shtab_startifact_projects_options=(
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_projects_defaults_added=0

_shtab_startifact_promote_options=(
  "--min-age=[How long ago the version that a range picks has to have been staged at least]:TIME:"
  "--expect=[What the channel has to point at now, an exact version, another channel or a range]:SELECTOR:"
  "--expect-none[Promote only where there is no such channel yet]"
  "--allow-yanked[Point the channel at the version also where it was yanked]"
  "--required-regions=[How many regions have to hold the artifact for a staging to succeed, or before a channel is moved to it]:{majority,all,N}:(majority all)"
  "--dry-run[Write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000, SugarWater\@staging or \'SugarWater\@\^1.2\':()"
  ":The channel to move:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_promote_defaults_added=0

_shtab_startifact_prune_options=(
  "--range=[The only versions that are looked at, and counted]:RANGE:"
  "--keep-versions=[How many stable versions stay, the newest]:COUNT:"
  "--keep-prereleases=[How many prereleases stay, the newest]:NUMBER:"
  "--older-than=[How long ago a version that goes has to have been staged at least]:TIME:"
  "--grace=[How long a version that is marked stays at least]:TIME:"
  "--yes[Mark and remove]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_prune_defaults_added=0

_shtab_startifact_repair_options=(
  "--required-regions=[How many regions have to hold the artifact for a staging to succeed, or before a channel is moved to it]:{majority,all,N}:(majority all)"
  "--dry-run[Write nothing, and only say what would be done]"
  "--read-data[Read every byte and compare it with its record]"
  "--keep=[Where regions disagree about one version]:sha256 DIGEST:"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_repair_defaults_added=0

_shtab_startifact_rollback_options=(
  "--allow-yanked[Point the channel at the version also where it was yanked]"
  "--to=[The version to go back to, of those that the channel has held]:VERSION:"
  "--required-regions=[How many regions have to hold the artifact for a staging to succeed, or before a channel is moved to it]:{majority,all,N}:(majority all)"
  "--dry-run[Write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater:()"
  ":The channel to move:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_rollback_defaults_added=0

_shtab_startifact_setup_options=(
  "--regions=[AWS regions, separated by commas, spaces or newlines]:LIST:"
  "--dry-run[Write nothing, and only say what would be done]"
  "--bucket-name-param=[The SSM parameter, your own, that holds the name of each region\'s bucket]:NAME:"
  "--bucket-key-prefix=[What every key begins with, exactly as written]:PREFIX:"
  "--parameter-name-prefix=[What the names of the parameters that follow latest begin with]:PREFIX:"
  "*--kms-key[The key in KMS that encrypts every object]:[REGION=]KEY:"
  "*--bucket-owner[The account that the buckets have to belong to, for all regions, or as eu-west-1\=NUMBER for one]:[REGION=]NUMBER:"
  "--storage-class=[The storage class of artifacts]:CLASS:(STANDARD STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER_IR)"
  "*--object-tag[A tag of artifacts]:NAME=VALUE:"
  "--object-lock-mode=[How Object Lock retains artifacts, in buckets that have it]:{GOVERNANCE,COMPLIANCE}:(GOVERNANCE COMPLIANCE)"
  "--object-lock-days=[For how many days from when they are written]:DAYS:"
  "*--mirrored-channel[A channel that is copied to SSM, beside latest, which always is]:NAME:"
  "*--endpoint[Where the requests to a region\'s bucket go]:REGION=URL:"
  "--use-dualstack=[Whether S3 is reached by IPv6 too]:{true,false}:(true false)"
  "--use-fips=[Whether S3 is reached by its FIPS endpoints]:{true,false}:(true false)"
  "*--unset[A key that the configuration is to lose]:KEY:"
  "*--remove-region[An AWS region that the configuration has, and is to lose]:REGION:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_setup_defaults_added=0

_shtab_startifact_stage_options=(
  "--archive=[Which archive to make of what is staged, tar.gz or zip]:{tar.gz,zip}:(tar.gz zip)"
  "--include-hidden[Stage files and directories whose name begins with a dot too, where the path or the pattern does not write the dot itself]"
  "*"{-m+,--metadata=}"[A pair that travels with the artifact]:KEY=VALUE:"
  "--save-filename[Store the name of the file with the artifact, so that a download can restore it]"
  "--required-regions=[How many regions have to hold the artifact for a staging to succeed, or before a channel is moved to it]:{majority,all,N}:(majority all)"
  "--if-exists=[What to do when the version is staged already with other content]:{fail,keep}:(fail keep)"
  "--replicate=[How an artifact of 64 MiB or more reaches all regions]:{auto,direct}:(auto direct)"
  "--dry-run[Write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000:()"
  "(*):A file, a directory, a pattern such as \'dist\/\*.whl\', or several of them, of which those that begin with \! take away from those before:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_stage_defaults_added=0

_shtab_startifact_unyank_options=(
  "--dry-run[Write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_unyank_defaults_added=0

_shtab_startifact_verify_options=(
  "--read-data[Read every byte and compare it with its record]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_verify_defaults_added=0

_shtab_startifact_versions_options=(
  "--channel=[Only versions that this channel points at, or has pointed at according to its history]:CHANNEL:"
  "--range=[Only versions that satisfy this range]:RANGE:"
  "--since=[Only versions that were staged first then or later]:TIME:"
  "*--where[Only versions with this pair in their metadata]:KEY=VALUE:"
  "--limit=[At most so many versions, the newest of those that are asked for]:COUNT:"
  "--long[Show of each version its size, when it was staged, its digest, its channels and whether it was yanked]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_versions_defaults_added=0

_shtab_startifact_yank_options=(
  "--reason=[What is wrong with the version, for everybody who gets it]:TEXT:"
  "--dry-run[Write nothing, and only say what would be done]"
  "--regions=[Where artifacts are, separated by commas, spaces or newlines]:LIST:"
  "--configuration-parameter=[The SSM parameter that holds the organisation configuration]:NAME:"
  "--deadline=[Give up after this many seconds]:SECONDS:"
  "--json[Print one JSON object]"
  {-v,--verbose}"[Tell which regions, configuration and buckets are used, who serves, and each retry]"
  {-q,--quiet}"[Tell errors only]"
  "--traceback[Show where in the code an error arose]"
  "(- : *)"{-h,--help}"[Show this help]"
  "(- : *)--version[Show the version of Startifact]"
  ":Such as SugarWater\@1.0.9000:()"
)

# guard to ensure default positional specs are added only once per session
_shtab_startifact_yank_defaults_added=0

_shtab_startifact() {
  local context state line curcontext="$curcontext" one_or_more='(*)' remainder='(-)*:' default='*::: :->startifact'

  # Add default positional/remainder specs only if none exist, and only once per session
  if (( ! _shtab_startifact_defaults_added )); then
    if (( ${_shtab_startifact_options[(I)${(q)one_or_more}*]} +          ${_shtab_startifact_options[(I)${(q)remainder}*]} +          ${_shtab_startifact_options[(I)${(q)default}]} == 0 )); then
      _shtab_startifact_options+=(': :_shtab_startifact_commands' '*::: :->startifact')
    fi
    _shtab_startifact_defaults_added=1
  fi
  _arguments -C -s $_shtab_startifact_options

  case $state in
    startifact)
      words=($line[1] "${words[@]}")
      (( CURRENT += 1 ))
      curcontext="${curcontext%:*:*}:_shtab_startifact-$line[1]:"
      case $line[1] in
        bootstrap) _arguments -C -s $_shtab_startifact_bootstrap_options ;;
        channels) _arguments -C -s $_shtab_startifact_channels_options ;;
        completion) _arguments -C -s $_shtab_startifact_completion_options ;;
        copy) _arguments -C -s $_shtab_startifact_copy_options ;;
        doctor) _arguments -C -s $_shtab_startifact_doctor_options ;;
        download) _arguments -C -s $_shtab_startifact_download_options ;;
        info) _arguments -C -s $_shtab_startifact_info_options ;;
        link) _arguments -C -s $_shtab_startifact_link_options ;;
        lock) _arguments -C -s $_shtab_startifact_lock_options ;;
        policy) _arguments -C -s $_shtab_startifact_policy_options ;;
        projects) _arguments -C -s $_shtab_startifact_projects_options ;;
        promote) _arguments -C -s $_shtab_startifact_promote_options ;;
        prune) _arguments -C -s $_shtab_startifact_prune_options ;;
        repair) _arguments -C -s $_shtab_startifact_repair_options ;;
        rollback) _arguments -C -s $_shtab_startifact_rollback_options ;;
        setup) _arguments -C -s $_shtab_startifact_setup_options ;;
        stage) _arguments -C -s $_shtab_startifact_stage_options ;;
        unyank) _arguments -C -s $_shtab_startifact_unyank_options ;;
        verify) _arguments -C -s $_shtab_startifact_verify_options ;;
        versions) _arguments -C -s $_shtab_startifact_versions_options ;;
        yank) _arguments -C -s $_shtab_startifact_yank_options ;;
      esac
  esac
}

typeset -A opt_args

if [[ $zsh_eval_context[-1] == eval ]]; then
  # eval/source/. command, register function for later
  compdef _shtab_startifact -N startifact
else
  # autoload from fpath, call function directly
  _shtab_startifact "$@"
fi
