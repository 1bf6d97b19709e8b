import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { isRef, isSha } from '../../core/commit-event.ts'
import { decideTrust } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { WebhookCommit } from '../parsed-webhook.ts'
import { parseGithub } from './webhook.ts'

const SHA = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const TAG_OBJECT = 'a'.repeat(40)
const ZERO = '0'.repeat(40)
const REPOSITORY = { id: 1, full_name: 'ann/whale' }
const SENDER = { id: 7, login: 'ann' }

describe("GitHub's own examples", () => {
  const require = createRequire(import.meta.url)
  for (const server of ['api.github.com', 'ghes-31', 'ghes-32', 'ghes-33', 'ghes-34', 'ghes-35']) {
    const events = require(`@octokit/webhooks-examples/${server}/index.json`) as readonly {
      readonly name: string
      readonly examples: readonly Example[]
    }[]

    for (const { name, examples } of events) {
      test(`${name} of ${server} is accepted, looked up, noted or ignored`, () => {
        for (const example of examples) {
          const parsed = parseGithub(name, example)
          if (example.repository) {
            const { id: forgeId, full_name: fullName, owner } = example.repository
            const ownerId = owner ? { ownerId: owner.id } : {}
            assert.deepEqual(parsed.repository, { forgeId, fullName, ...ownerId })
          }
          assert.equal(parsed.kind, kindOf(name, example))
          if (parsed.kind === 'ignored') assert.match(parsed.reason, /^\S/)
          else if (parsed.kind === 'commit') assertSound(parsed.event)
        }
      })
    }
  }
})

interface Example {
  readonly action?: string
  readonly deleted?: boolean
  readonly repository?: { id: number; full_name: string; owner?: { id: number } }
}

function kindOf(name: string, { action = '', deleted }: Example): string {
  if (name === 'push') return deleted ? 'gone' : 'commit'
  if (name === 'create' || (name === 'release' && action === 'published')) return 'unresolved'
  const built = [
    'opened',
    'synchronize',
    'reopened',
    'ready_for_review',
    'converted_to_draft',
    'labeled',
    'unlabeled',
    'checks_requested',
  ]
  if ((name === 'pull_request' || name === 'merge_group') && built.includes(action)) return 'commit'
  return name === 'pull_request' && action === 'closed' ? 'closed' : 'ignored'
}

function assertSound({ ref, sha, title, author }: WebhookCommit): void {
  assert.ok(isRef(ref))
  assert.ok(isSha(sha))
  assert.ok(title.length > 0 && title.length <= 500)
  assert.ok(author.length > 0)
}

describe('a push', () => {
  test('to a branch is a push event of the commit it now points to', () => {
    assert.deepEqual(parseGithub('push', pushOf({})), {
      kind: 'commit',
      repository: { forgeId: 1, fullName: 'ann/whale' },
      event: {
        kind: 'push',
        ref: 'refs/heads/main',
        sha: SHA,
        title: 'Dive',
        author: 'Ann',
        facts: { actorId: 7, repositoryId: 1, headRepositoryId: 1 },
        sender: { id: 7, name: 'ann', isBot: false },
      },
    })
  })

  test('of a tag is a tag event of the commit, also where the tag is an object of its own', () => {
    const event = commitOf('push', pushOf({ ref: 'refs/tags/v1', after: TAG_OBJECT }))
    assert.equal(event.kind, 'tag')
    assert.equal(event.ref, 'refs/tags/v1')
    assert.equal(event.sha, SHA)
    const bare = pushOf({ ref: 'refs/tags/v1', after: TAG_OBJECT, head_commit: null })
    const lookup = { object: TAG_OBJECT }
    assert.partialDeepStrictEqual(parseGithub('push', bare), { kind: 'unresolved', lookup })
  })

  test('to anything else is ignored', () => {
    assert.match(reasonOf('push', pushOf({ ref: 'refs/notes/commits' })), /refs\/notes/)
  })

  test('is refused with a ref or an object name that can not be one', () => {
    for (const ref of [
      'main',
      '--upload-pack=x',
      'refs/heads/a..b',
      'refs/heads/a b',
      'refs/heads/',
    ]) {
      assertInvalid(() => parseGithub('push', pushOf({ ref })), /ref: /)
    }
    for (const after of [
      '',
      'HEAD',
      SHA.slice(1),
      `${SHA}0`,
      SHA.toUpperCase(),
      `-${SHA.slice(1)}`,
    ]) {
      assertInvalid(() => parseGithub('push', pushOf({ after })), /after: /)
    }
    const head_commit = { id: ZERO, message: '' }
    assertInvalid(() => parseGithub('push', pushOf({ head_commit })), /head_commit\.id: /)
  })
})

describe('a pull request', () => {
  test('is an event of its head when it is opened or updated', () => {
    for (const action of ['opened', 'synchronize']) {
      assert.deepEqual(commitOf('pull_request', pullRequestOf({ action })), {
        kind: 'pull_request',
        ref: 'refs/pull/12/head',
        sha: SHA,
        title: 'Breathe',
        author: 'bob',
        facts: {
          actorId: 8,
          senderId: 7,
          repositoryId: 1,
          headRepositoryId: 1,
          baseRepositoryId: 1,
          headRef: 'topic',
          headLabel: 'ann:topic',
        },
        sender: { id: 7, name: 'ann', isBot: false },
        details: { actions: [action === 'opened' ? action : 'synchronized'] },
      })
    }
  })

  test('is ignored at any other action, without a look at the rest', () => {
    for (const action of ['assigned', 'locked', 'edited', '__proto__', 'constructor']) {
      const payload = { action, repository: REPOSITORY }
      assert.equal(reasonOf('pull_request', payload), `pull request ${action} is not built`)
    }
  })

  const forks: readonly [what: string, head: unknown, base: unknown, isStranger: boolean][] = [
    ['in the repository itself', { id: 1 }, { id: 1 }, false],
    ['in a fork', { id: 2 }, { id: 1 }, true],
    ['in a fork that is gone', null, { id: 1 }, true],
    ['in a repository of the same name', { id: 2, full_name: 'ann/whale' }, { id: 1 }, true],
    ['in a fork that says it is none', { id: 2, fork: false }, { id: 1 }, true],
    ['and base in another repository', { id: 2 }, { id: 2 }, true],
  ]
  for (const [what, head, base, isStranger] of forks) {
    test(`with its head ${what} is ${isStranger ? '' : 'not '}a stranger's`, () => {
      const { facts, ...event } = commitOf('pull_request', pullRequestOf({ head, base }))
      const { stranger } = decideTrust({ ...event, source: 'webhook' }, facts)
      assert.equal(stranger !== undefined, isStranger)
      assert.equal(facts.headRepositoryId, (head as { id: number } | null)?.id)
    })
  }

  test('is refused where it leaves open whether it comes from a fork', () => {
    for (const head of [undefined, {}, { id: '1' }, { id: 0 }, [], 1]) {
      const payload = pullRequestOf({ head })
      assertInvalid(() => parseGithub('pull_request', payload), /pull_request\.head\.repo/)
    }
  })

  test('of an account that is gone has no actor', () => {
    const event = commitOf('pull_request', pullRequestOf({ user: null }))
    assert.deepEqual([event.author, event.facts.actorId], ['ghost', undefined])
  })
})

describe('any other event', () => {
  test('is ignored, whatever is in it', () => {
    assert.equal(reasonOf('ping', null), 'ping')
    assert.equal(reasonOf('star', 'nonsense'), 'event star is not supported')
    for (const name of ['__proto__', 'constructor', 'toString', '', 'PUSH']) {
      assert.equal(parseGithub(name, { repository: { id: 'x' } }).kind, 'ignored')
    }
    assert.ok(reasonOf('x'.repeat(10_000), {}).length < 200)
  })
})

describe('a malformed payload', () => {
  test('is refused with all that is wrong, by path', () => {
    assertInvalid(
      () => parseGithub('push', { ref: 1, head_commit: { id: SHA }, repository: { id: '1' } }),
      /^the push payload is malformed: (?=.*\bref: )(?=.*\bafter: )(?=.*repository\.id: )(?=.*repository\.full_name: )(?=.*head_commit\.message: )/,
    )
  })

  test('of any kind is refused, and nothing else is thrown', () => {
    const payloads = [undefined, null, 0, '', 'text', true, [], {}, [1], { repository: null }]
    for (const name of ['push', 'create', 'pull_request']) {
      for (const payload of payloads) assertInvalid(() => parseGithub(name, payload), /malformed/)
    }
  })

  test('with any field missing or of another type is refused or read, never a crash', () => {
    const examples: readonly [string, unknown][] = [
      ['push', pushOf({})],
      ['pull_request', pullRequestOf({})],
      ['create', { ref_type: 'tag', ref: 'v1', sha: SHA, repository: REPOSITORY }],
    ]
    for (const [name, payload] of examples) {
      for (const changed of variants(payload)) {
        try {
          parseGithub(name, changed)
        } catch (error) {
          assert.ok(error instanceof NarwhalError && error.code === 'invalid', String(error))
        }
      }
    }
  })

  test('gets nothing from the prototype, and leaves nothing there', () => {
    const inside = JSON.stringify(pushOf({ ref: 'refs/heads/evil' }))
    const payload: unknown = JSON.parse(
      `{"__proto__":${inside},"constructor":{"prototype":${inside}}}`,
    )
    assertInvalid(() => parseGithub('push', payload), /malformed/)
    assertInvalid(() => parseGithub('push', Object.create(null)), /malformed/)
    const both = JSON.parse(`{"__proto__":${inside},${JSON.stringify(pushOf({})).slice(1)}`)
    assert.equal(commitOf('push', both).ref, 'refs/heads/main')
    assert.equal(({} as { ref?: unknown }).ref, undefined)
  })
})

function pushOf(changes: object): object {
  return {
    ref: 'refs/heads/main',
    after: SHA,
    deleted: false,
    repository: REPOSITORY,
    head_commit: { id: SHA, message: 'Dive\n\nDeeper.', author: { name: 'Ann' } },
    sender: SENDER,
    ...changes,
  }
}

function pullRequestOf(changes: {
  action?: string
  head?: unknown
  base?: unknown
  user?: unknown
}): object {
  const {
    action = 'opened',
    user = { id: 8, login: 'bob' },
    base = { id: REPOSITORY.id },
  } = changes
  const head = 'head' in changes ? changes.head : { id: REPOSITORY.id }
  return {
    action,
    repository: REPOSITORY,
    sender: SENDER,
    pull_request: {
      number: 12,
      title: 'Breathe',
      user,
      head: { ref: 'topic', label: 'ann:topic', sha: SHA, repo: head },
      base: { repo: base },
    },
  }
}

function commitOf(name: string, payload: unknown): WebhookCommit {
  const parsed = parseGithub(name, payload)
  assert.ok(parsed.kind === 'commit', JSON.stringify(parsed))
  return parsed.event
}

function reasonOf(name: string, payload: unknown): string {
  const parsed = parseGithub(name, payload)
  assert.ok(parsed.kind === 'ignored', JSON.stringify(parsed))
  return parsed.reason
}

function assertInvalid(work: () => unknown, message: RegExp): void {
  assert.throws(work, { name: 'NarwhalError', code: 'invalid', message })
}

/** The value with each of its parts, at any depth, missing or replaced. */
function variants(value: unknown): unknown[] {
  const replacements = [undefined, null, 0, -1, 1.5, 1e300, 'text', '\0', true, [], {}, ['a']]
  if (typeof value !== 'object' || value === null) return replacements
  const inner = Object.entries(value).flatMap(([key, part]) =>
    variants(part).map((changed) => ({ ...value, [key]: changed })),
  )
  return [...replacements, ...inner]
}
