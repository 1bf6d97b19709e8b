import type { Kysely } from 'kysely'
import type {
  ForwarderRow,
  IdTokenKeyRow,
  IdTokenSubjectRow,
  JoinTokenRow,
  SessionRow,
  SignInLinkRow,
  TokenRow,
} from './access/access-tables.ts'
import type { ForgeAccountRow, MergedAuthorRow } from './access/author-tables.ts'
import type { DeliveryRow, LookupRow, RefusedDeliveriesRow } from './pipelines/delivery-tables.ts'
import type {
  ChangeCounterRow,
  LogChunkRow,
  RemovedItemRow,
  RetentionRow,
  UsedNumberRow,
} from './removal/bounded-tables.ts'
import type { RepositoryRow } from './repository-row.ts'

/**
 * The rows of the tables in both databases. Times are epoch milliseconds, flags are 0 or 1, and JSON
 * is stored as text.
 */
export interface Tables {
  repositories: RepositoryRow
  heads: HeadRow
  merged_authors: MergedAuthorRow
  forge_accounts: ForgeAccountRow
  commit_events: CommitEventRow
  deliveries: DeliveryRow
  lookups: LookupRow
  refused_deliveries: RefusedDeliveriesRow
  pipelines: PipelineRow
  jobs: JobRow
  attempts: AttemptRow
  log_chunks: LogChunkRow
  group_members: GroupMemberRow
  state_changes: StateChangeRow
  change_counter: ChangeCounterRow
  dispatchers: DispatcherRow
  runners: RunnerRow
  join_tokens: JoinTokenRow
  tokens: TokenRow
  sessions: SessionRow
  forwarders: ForwarderRow
  sign_in_links: SignInLinkRow
  sealing: SealingRow
  secrets: SecretRow
  users: UserRow
  forge_links: ForgeLinkRow
  told_statuses: ToldStatusRow
  used_numbers: UsedNumberRow
  removed_items: RemovedItemRow
  retention: RetentionRow
  audit: AuditRow
  audit_secrets: AuditSecretRow
  audit_head: AuditHeadRow
  id_token_keys: IdTokenKeyRow
  id_token_subjects: IdTokenSubjectRow
}

/** A connection to the tables: a pool, or that of a transaction. */
export type Db = Kysely<Tables>

export interface HeadRow {
  repository_id: string
  /** textKey(ref) */
  ref_key: string
  ref: string
  sha: string
  /** When a webhook told of it; null: a poll did. */
  told_at: number | null
}

export interface CommitEventRow {
  id: string
  repository_id: string
  /** Its commit_key if it was the first there; in any case unique. */
  semantic_key: string
  /** textKey(semanticKey(event)); null: written by an earlier version. */
  commit_key: string | null
  /** The commit_key of where it began, while nothing known has led there. */
  gap_key: string | null
  kind: string
  ref: string
  sha: string
  before_sha: string | null
  stamp: string | null
  occurrence: string | null
  title: string
  author: string
  /** JSON of TrustFacts */
  trust: string
  /** JSON of EventDetails */
  details: string | null
  source: string
  received_at: number
  /** 1 until it has a pipeline, or will have none; 2: its pipeline has to be planned again. */
  pending: number
  /** Why it will have no pipeline. */
  ended_reason: string | null
  /** For searches: title, ref and author in lower case. */
  search_text: string
  /** When its pull request was last closed. */
  closed_at: number | null
}

export interface PipelineRow {
  id: string
  repository_id: string
  event_id: string
  number: number
  name: string
  status: string
  outcome: string | null
  /** JSON of PipelineState */
  state: string
  /** JSON of Problem[] */
  problems: string
  /** JSON of Phase[] */
  phases: string
  rerun_of: string | null
  started_by: string | null
  /** JSON of Approval */
  approval: string | null
  created_at: number
  version: number
  dispatcher_id: string | null
  term: number
  /** JSON of Concurrency */
  concurrency: string | null
  /** JSON of IncludedSource[] */
  included: string | null
  /** Since when it has waited for approval; null: it does not. */
  approval_since: number | null
  /** JSON of TargetJobs */
  target: string | null
  /** JSON of ChangedFiles */
  changed_files: string | null
  /** JSON of Hold */
  hold: string | null
  /** JSON of Removal, once its logs are removed. */
  logs_removed: string | null
}

export interface JobRow {
  id: string
  pipeline_id: string
  repository_id: string
  position: number
  name: string
  /** JSON of JobSpec */
  spec: string
  status: string
  outcome: string | null
  /** JSON of JobState */
  state: string
  fence: number
  version: number
}

export interface AttemptRow {
  job_id: string
  number: number
  runner_id: string
  fence: number
  asked_by: string | null
  status: string
  outcome: string | null
  reason: string | null
  assigned_at: number
  started_at: number | null
  finished_at: number | null
  /** JSON of Decision */
  decision: string
  /** JSON of Phase[] */
  phases: string
  /** JSON of Step[] */
  steps: string
  /** JSON of Outputs */
  outputs: string | null
  lines: number
  /** Bytes of text of its log that the runner has sent. */
  log_bytes: number
  last_seq: number
  /** JSON of Redaction[]; null: none. */
  redactions: string | null
}

/** An unfinished job or pipeline in its concurrency group. */
export interface GroupMemberRow {
  /** The job's id, or the pipeline's. */
  id: string
  repository_id: string
  /** textKey(group) */
  group_key: string
  pipeline_id: string
  /** Null: the pipeline as a whole. */
  job_name: string | null
  /** The job's index in narwhal.yml; 0 for a pipeline. */
  position: number
  /** blocked, waiting or holding */
  state: string
  since: number
  /** Its concurrency limit; null: written by an earlier version. */
  member_limit: number | null
}

export interface StateChangeRow {
  seq: number
  kind: 'pipeline' | 'job' | 'runner'
  subject_id: string
  /** Null for runners. */
  pipeline_id: string | null
  /** JSON of the subject's view */
  data: string
  at: number
}

export interface RunnerRow {
  id: string
  name: string
  link: string
  url: string | null
  balanced: number
  link_token: string | null
  members: number
  state: string
  reason: string | null
  /** JSON of string[] */
  labels: string
  /** JSON of Engine[] */
  engines: string
  slots: number
  busy: number
  /** JSON */
  hardware: string | null
  software_version: string | null
  registered_at: number
  last_seen_at: number | null
  draining: number
  failures: number
  aside_reason: string | null
  seen_by: string | null
  identity_hash: string | null
  /** JSON of string[]; null: any */
  allowed_labels: string | null
  /** JSON of Engine[]; null: none */
  stranger_engines: string | null
  /** JSON of FlawedTool[]; null: not reported */
  flawed_tools: string | null
  ephemeral: number
}

/** One row at most. */
export interface SealingRow {
  id: number
  /** The current sealing key. */
  key_id: string
}

export interface SecretRow {
  /** The repository's id; empty: global. */
  scope: string
  name: string
  /** Sealed. */
  value: string
  created_at: number
  updated_at: number
  updated_by: string | null
  expires_at: number | null
  /** JSON of the runners that may get it; null: all. */
  runners: string | null
  /** 1: not masked in logs. */
  not_masked: number | null
}

export interface DispatcherRow {
  id: string
  url: string | null
  beats: number
  started_at: number
}

export interface UserRow {
  id: string
  name: string
  name_key: string
  role: string
  created_at: number
}

export interface ForgeLinkRow {
  repository_id: string
  forge: string
  api_url: string
  project: string
  /** Sealed. */
  token: string
  created_at: number
  /** JSON of ForgeRefusal; null: accepted last, or not tried. */
  refusal: string | null
  tried_at: number | null
}

export interface ToldStatusRow {
  repository_id: string
  sha: string
  context: string
  pipeline_id: string
  /** The pipeline's number in its repository. */
  number: number
  state: string
  error: string | null
  told_at: number
}

export interface AuditRow {
  /** From 1, without gaps. */
  seq: number
  at: number
  actor_kind: string
  actor_id: string
  actor_name: string
  address: string
  cause: string
  action: string
  subject_kind: string
  subject_id: string
  subject_name: string
  /** JSON of Facts */
  facts_before: string | null
  /** JSON of Facts */
  facts_after: string | null
  /** chainHash */
  hash: string
}

/** A secret that an entry is about. */
export interface AuditSecretRow {
  name: string
  /** The entry's. */
  at: number
  seq: number
}

/** One row: the beginning and the end of the chain of entries. */
export interface AuditHeadRow {
  id: number
  last: number
  hash: string
  removed: number
  removed_hash: string
}
