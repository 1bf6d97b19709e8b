/**
 * What the audit log records: each action that changes rights, secrets, tokens, repositories, runners or
 * approvals, with the kind of its subject and its permitted facts. No fact can hold the value of a secret or
 * a token, a URL containing one, or free text.
 */
export const AUDIT_ACTIONS = {
  'user.added': { of: 'user', facts: { role: 'text' } },
  'user.role_changed': { of: 'user', facts: { role: 'text' } },
  'user.removed': { of: 'user', facts: { role: 'text' } },

  'token.created': {
    of: 'token',
    facts: { user: 'text', role: 'text', expiresAt: 'number', repositories: 'names' },
  },
  'token.removed': { of: 'token', facts: { user: 'text' } },
  'sign_in_link.created': { of: 'user', facts: { expiresAt: 'number' } },
  'session.started': { of: 'user', facts: { by: 'text', expiresAt: 'number' } },
  'session.ended': { of: 'user', facts: { sessions: 'number' } },

  'secret.set': {
    of: 'secret',
    facts: {
      scope: 'text',
      isNew: 'flag',
      runners: 'names',
      expiresAt: 'number',
      isMasked: 'flag',
    },
  },
  'secret.removed': { of: 'secret', facts: { scope: 'text' } },
  'sealing_key.rotated': {
    of: 'sealing key',
    facts: { keyId: 'text' },
  },
  'sealed_values.forgotten': {
    of: 'sealing key',
    facts: { sealed: 'number', forgotten: 'number' },
  },

  'id_token_key.made': { of: 'id token key', facts: { signsAt: 'number', replacesAll: 'flag' } },
  'id_token_key.retired': { of: 'id token key', facts: {} },

  'repository.added': {
    of: 'repository',
    facts: { forge: 'text', host: 'text', pollIntervalMs: 'number', settings: 'names' },
  },
  'repository.changed': {
    of: 'repository',
    facts: {
      name: 'text',
      forge: 'text',
      host: 'text',
      path: 'text',
      pollIntervalMs: 'number',
      settings: 'names',
    },
  },
  'repository.removed': { of: 'repository', facts: { forge: 'text', host: 'text' } },
  'deploy_key.made': { of: 'repository', facts: { host: 'text' } },
  'git_credentials.set': { of: 'repository', facts: { kind: 'text', host: 'text' } },
  'git_credentials.removed': { of: 'repository', facts: { kind: 'text', host: 'text' } },
  'webhook_secret.replaced': { of: 'repository', facts: { overlapMs: 'number' } },
  'webhook.tested': { of: 'repository', facts: { host: 'text', answered: 'flag' } },
  'forge_link.set': { of: 'repository', facts: { forge: 'text', host: 'text', project: 'text' } },
  'forge_link.removed': {
    of: 'repository',
    facts: { forge: 'text', host: 'text', project: 'text' },
  },

  'join_token.created': {
    of: 'join token',
    facts: { labels: 'names', expiresAt: 'number', uses: 'number', sources: 'names' },
  },
  'join_token.removed': { of: 'join token', facts: { labels: 'names' } },
  'runner.registered': { of: 'runner', facts: { host: 'text', isBalanced: 'flag' } },
  'runner.joined': {
    of: 'runner',
    facts: { labels: 'names', joinToken: 'text', replaces: 'flag', isEphemeral: 'flag' },
  },
  'runner.changed': { of: 'runner', facts: { labels: 'names', isDraining: 'flag' } },
  'runner.set_aside': { of: 'runner', facts: { failures: 'number' } },
  'runner.taken_back': { of: 'runner', facts: {} },
  'runner.removed': { of: 'runner', facts: { labels: 'names' } },

  'pipeline.started': {
    of: 'pipeline',
    facts: { repository: 'text', ref: 'text', sha: 'text', rerunOf: 'text' },
  },
  'pipeline.approved': {
    of: 'pipeline',
    facts: { repository: 'text', ref: 'text', sha: 'text', author: 'text', plan: 'text' },
  },
  'pipeline.held': {
    of: 'pipeline',
    facts: { repository: 'text', sha: 'text', until: 'number', because: 'text' },
  },
  'pipeline.jobs_rerun': { of: 'pipeline', facts: { repository: 'text', sha: 'text' } },
  'pipeline.cancelled': { of: 'pipeline', facts: { repository: 'text', sha: 'text' } },
  'job.rerun': { of: 'job', facts: { repository: 'text', pipeline: 'text', sha: 'text' } },
  'job.cancelled': { of: 'job', facts: { repository: 'text', pipeline: 'text', sha: 'text' } },
  'job.given_secrets': {
    of: 'job',
    facts: {
      repository: 'text',
      pipeline: 'text',
      ref: 'text',
      sha: 'text',
      attempt: 'number',
      runner: 'text',
      runnerId: 'text',
      isStranger: 'flag',
      secrets: 'names',
      idTokens: 'names',
    },
  },
  'log.redacted': { of: 'job', facts: { attempt: 'number', step: 'text', hash: 'text' } },

  'backup.made': { of: 'narwhal', facts: {} },
  'backup.restored': { of: 'narwhal', facts: { lastEntry: 'number' } },
  'retention.removed': {
    of: 'narwhal',
    facts: { of: 'text', rows: 'number', bytes: 'number', before: 'number' },
  },
  'audit.pruned': {
    of: 'narwhal',
    facts: { rows: 'number', through: 'number', hash: 'text', before: 'number' },
  },
  'access.refused': {
    of: 'narwhal',
    facts: { attempts: 'number', status: 'number', since: 'number', joinToken: 'text' },
  },
} as const satisfies Record<string, AuditKind>

interface AuditKind {
  readonly of: string
  readonly facts: Readonly<Record<string, FactKind>>
}

/** `names`: names of secrets, labels, runners or settings. */
export type FactKind = 'text' | 'number' | 'flag' | 'names'

export type AuditAction = keyof typeof AUDIT_ACTIONS
