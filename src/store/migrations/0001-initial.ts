import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

export const initial: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const REPOSITORIES = [
  `create table repositories (
    id text primary key,
    name text not null,
    name_key text not null,
    forge text not null,
    forge_id INT,
    clone_url text not null,
    webhook_secret text not null,
    poll_interval_ms INT not null,
    last_number INT not null,
    created_at INT not null,
    removed_at INT
  )`,
  `create unique index repositories_name on repositories (name_key) where removed_at is null`,
  `create unique index repositories_forge_id on repositories (forge, forge_id)
    where removed_at is null`,
  `create table heads (
    repository_id text not null references repositories (id),
    ref_key text not null,
    ref text not null,
    sha text not null,
    primary key (repository_id, ref_key)
  )`,
]

const EVENTS = [
  `create table commit_events (
    id text primary key,
    repository_id text not null references repositories (id),
    semantic_key text not null unique,
    kind text not null,
    ref text not null,
    sha text not null,
    title text not null,
    author text not null,
    trust text not null,
    source text not null,
    received_at INT not null,
    pending INT not null,
    search_text text not null
  )`,
  `create index commit_events_pending on commit_events (received_at, id) where pending = 1`,
  `create table deliveries (
    forge text not null,
    delivery_id text not null,
    repository_id text not null references repositories (id),
    disposition text not null,
    event_id text references commit_events (id),
    reason text,
    received_at INT not null,
    primary key (forge, delivery_id)
  )`,
]

const PIPELINES = [
  `create table pipelines (
    id text primary key,
    repository_id text not null references repositories (id),
    event_id text not null references commit_events (id),
    number INT not null,
    name text not null,
    status text not null,
    outcome text,
    state text not null,
    problems text not null,
    phases text not null,
    rerun_of text references pipelines (id),
    created_at INT not null,
    version INT not null,
    unique (repository_id, number)
  )`,
  `create unique index pipelines_event on pipelines (event_id) where rerun_of is null`,
  `create index pipelines_by_event on pipelines (event_id)`,
  `create index pipelines_newest on pipelines (created_at, number, id)`,
  `create index pipelines_by_repository on pipelines (repository_id, created_at, number, id)`,
  `create index pipelines_by_status on pipelines (status, created_at, number, id)`,
  `create table jobs (
    id text primary key,
    pipeline_id text not null references pipelines (id),
    repository_id text not null references repositories (id),
    position INT not null,
    name text not null,
    spec text not null,
    status text not null,
    outcome text,
    state text not null,
    fence INT not null,
    version INT not null,
    unique (pipeline_id, position)
  )`,
  // The runner may be removed while its attempts are still shown.
  `create table attempts (
    job_id text not null references jobs (id),
    number INT not null,
    runner_id text not null,
    fence INT not null,
    status text not null,
    outcome text,
    reason text,
    assigned_at INT not null,
    started_at INT,
    finished_at INT,
    decision text not null,
    phases text not null,
    steps text not null,
    lines INT not null,
    last_seq INT not null,
    primary key (job_id, number)
  )`,
  `create table log_chunks (
    job_id text not null,
    attempt INT not null,
    first_line INT not null,
    line_count INT not null,
    data BYTES not null,
    primary key (job_id, attempt, first_line),
    foreign key (job_id, attempt) references attempts (job_id, number)
  )`,
]

const CHANGES = [
  `create table state_changes (
    seq INT primary key,
    kind text not null,
    subject_id text not null,
    pipeline_id text,
    data text not null,
    at INT not null
  )`,
  `create index state_changes_by_pipeline on state_changes (pipeline_id, seq)`,
  `create table change_counter (
    id INT primary key check (id = 1),
    last INT not null
  )`,
  `insert into change_counter (id, last) values (1, 0)`,
]

const RUNNERS = [
  `create table runners (
    id text primary key,
    name text not null unique,
    link text not null,
    url text,
    balanced INT not null,
    link_token text,
    members INT not null,
    state text not null,
    reason text,
    labels text not null,
    engines text not null,
    slots INT not null,
    busy INT not null,
    hardware text,
    software_version text,
    registered_at INT not null,
    last_seen_at INT
  )`,
  `create table tokens (
    id text primary key,
    name text not null,
    hash text not null unique,
    created_at INT not null
  )`,
]

const STATEMENTS = [...REPOSITORIES, ...EVENTS, ...PIPELINES, ...CHANGES, ...RUNNERS]
