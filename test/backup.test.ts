import assert from 'node:assert/strict'
import { copyFile, readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { PipelineView } from '../src/contract/rest/views.ts'
import { silentLog } from '../src/lib/log.ts'
import { openStore } from '../src/store/open-store.ts'
import { NUMBERS } from '../src/store/sql/leap-ahead.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import {
  finished,
  type Installation,
  logText,
  pipelineOf,
  push,
  type Registered,
  register,
  startUp,
} from './support/installation.ts'
import { runNarwhal } from './support/narwhal-process.ts'
import { freshDatabase, testService } from './support/services.ts'
import { tempDir } from './support/temp-dir.ts'

const postgres = testService('postgres')

const QUICK = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }
const SLOW = {
  'narwhal.yml': JSON.stringify({
    jobs: {
      long: {
        steps: [
          { name: 'wait', command: 'print before\nsleep 3000\nprint attempt $NARWHAL_ATTEMPT' },
        ],
      },
      after: { needs: ['long'], steps: [{ name: 'end', command: 'print after' }] },
    },
  }),
}

test('a backup under load brings back all that was acknowledged before it, and goes on', async () => {
  await using dir = await tempDir()
  await using quick = await gitRepository({ files: QUICK })
  await using slow = await gitRepository({ files: SLOW })
  const file = dir.join('backup.db')
  const former = await (async () => {
    await using narwhal = await startUp({ data: dir.join('former') })
    const repository = await register(narwhal, quick.path)
    const open = await startSlow(narwhal, await register(narwhal, slow.path), await slow.head())
    const load = startLoad(narwhal, repository, await quick.head())
    await eventually(() => load.acknowledged.length >= 20)
    const before = [...load.acknowledged]
    const { code, said } = await runNarwhal(['backup', file, '--data', narwhal.dataDir])
    assert.equal(code, 0, said)
    assert.match(said, /contains all changes up to \d+: 2 repositories, \d+ commit events/)
    const enough = load.acknowledged.length + 10
    await eventually(() => load.acknowledged.length >= enough)
    await load.stop()
    return { repository, before, after: load.acknowledged.slice(-1), open }
  })()
  const { repository, before, open } = former

  const { code, said } = await runNarwhal(['restore', file, '--data', dir.join('restored')])
  assert.equal(code, 0, said)
  assert.deepEqual((await readdir(dir.join('restored'))).toSorted(), ['claim.db', 'narwhal.db'])
  checkIntegrity(dir.join('restored', 'narwhal.db'))

  // Secrets open by the keys that they were sealed by, which are kept elsewhere.
  const without = await runNarwhal(['up', '--data', dir.join('restored'), '--port', '0'])
  assert.equal(without.code, 2)
  assert.match(without.said, /there is no .*sealing-keys, but the database's secrets are sealed/)
  await copyFile(dir.join('former', 'sealing-keys'), dir.join('restored', 'sealing-keys'))

  await using narwhal = await startUp({ data: dir.join('restored') })
  for (const { eventId } of before) {
    const { id } = await pipelineOf(narwhal, eventId)
    const { pipeline, jobs } = await finished(narwhal, id)
    assert.equal(pipeline.outcome, 'success', pipeline.reason)
    for (const { attempts } of jobs) checkAttempts(attempts)
  }
  const all = await narwhal.client.listPipelines({ limit: 500 })
  const events = all.map(({ event }) => event.id)
  assert.equal(new Set(events).size, events.length)
  checkNumbers(all)

  // It was running at the backup, and its runner does not know of it any more.
  const { pipeline, jobs } = await finished(narwhal, open)
  assert.equal(pipeline.outcome, 'success')
  const [long] = jobs
  assert.ok(long)
  // Whether its attempt had begun when the copy was made decides if it counts as one.
  const { length } = long.attempts
  assert.deepEqual(
    long.attempts.map(({ outcome }) => outcome),
    [...Array.from({ length: length - 1 }, () => 'error'), 'success'],
  )
  assert.equal(
    await logText(narwhal, { id: long.id, attempt: length }),
    `before\nattempt ${length}`,
  )

  // What is told again is known if the backup has it, and built if it came later.
  const [known] = before
  const [lost] = former.after
  assert.ok(known && lost)
  const sha = await quick.head()
  const again = await push(narwhal, repository, { sha, ref: known.ref })
  assert.deepEqual([again.body.status, again.body.eventId], ['known', known.eventId])
  const anew = await push(narwhal, repository, { sha, ref: lost.ref })
  assert.equal(anew.body.status, 'accepted')
  const { id } = await pipelineOf(narwhal, anew.body.eventId)
  assert.equal((await finished(narwhal, id)).pipeline.outcome, 'success')
})

test('a folder in which a Narwhal works is not restored to', async () => {
  await using dir = await tempDir()
  const file = dir.join('backup.db')
  await using narwhal = await startUp()
  assert.equal((await runNarwhal(['backup', file, '--data', narwhal.dataDir])).code, 0)
  const cases: [string[], RegExp][] = [
    [['--data', narwhal.dataDir, '--force'], /a running Narwhal uses .*: stop it first/],
    [['--data', narwhal.dataDir], /a running Narwhal uses .*: stop it first/],
  ]
  for (const [args, words] of cases) {
    const { code, said } = await runNarwhal(['restore', file, ...args])
    assert.equal(code, 6, said)
    assert.match(said, words)
  }
  assert.deepEqual(await narwhal.client.listRepositories(), [])
})

test('a restored PostgreSQL database is made ready by a command', {
  skip: postgres.skip,
}, async () => {
  await using database = await freshDatabase()
  const args = ['restore', '--after-pg-restore', '--database', database.url]
  const { code, said } = await runNarwhal(args)
  assert.equal(code, 0, said)
  assert.match(said, /is ready: start Narwhal/)
  const config = { kind: 'postgres', url: database.url } as const
  await using store = await openStore(config, silentLog())
  assert.ok((await store.changes.last()) > 1_000_000)
  const again = await runNarwhal(args)
  assert.equal(again.code, 6, again.said)
  assert.match(again.said, /are connected to .*: stop them first/)
})

test('what can not be backed up or restored is said in words', async () => {
  await using dir = await tempDir()
  const away = ['--database', 'postgres://ada:hunter2@db.example.com/narwhal']
  const nothing = ['--data', dir.join('nothing')]
  const cases: [string[], number, RegExp][] = [
    [['backup'], 2, /file/],
    [
      ['backup', dir.join('x'), ...nothing],
      3,
      /nothing.* does not exist; give its folder by --data/,
    ],
    [['backup', dir.join('x'), ...away], 2, /pg_dump --format=custom/],
    [['restore'], 2, /specify the backup file/],
    [['restore', dir.join('x'), '--data', dir.path], 3, /x does not exist/],
    [['restore', dir.join('x'), ...away], 2, /pg_restore.*--after-pg-restore/],
    [['restore', '--after-pg-restore', '--data', dir.path], 2, /--database postgres:/],
  ]
  for (const [args, expected, words] of cases) {
    const { code, said } = await runNarwhal(args)
    assert.equal(code, expected, `${args.join(' ')}: ${said}`)
    assert.match(said, words)
    assert.doesNotMatch(said, /hunter2|\bat .*\.ts:\d+/)
  }
  assert.deepEqual(await readdir(dir.path), ['claim.db'])
})

/** A pipeline whose first job runs by now. */
async function startSlow(narwhal: Installation, repository: Registered, sha: string) {
  const { body } = await push(narwhal, repository, { sha })
  const { id } = await pipelineOf(narwhal, body.eventId)
  await eventually(async () => {
    const { jobs } = await narwhal.client.getPipeline(id)
    return jobs.some(({ status }) => status === 'running')
  })
  return id
}

interface Acknowledged {
  readonly eventId: string
  readonly ref: string
}

/** Pushes to one branch after the other, each when the last has its pipeline, until it is stopped. */
function startLoad(narwhal: Installation, repository: Registered, sha: string) {
  const acknowledged: Acknowledged[] = []
  let isOver = false
  let last = 0
  const send = async () => {
    while (!isOver) {
      const ref = `refs/heads/branch-${++last}`
      const { status, body } = await push(narwhal, repository, { sha, ref })
      assert.equal(status, 202)
      acknowledged.push({ eventId: body.eventId ?? '', ref })
      await pipelineOf(narwhal, body.eventId)
    }
  }
  const sending = Promise.all([send(), send(), send()])
  return {
    acknowledged,
    stop: async () => {
      isOver = true
      await sending
    },
  }
}

/** Numbered from 1 without a gap, each once, and ended but the last. */
function checkAttempts(
  attempts: readonly { number: number; outcome?: string | undefined }[],
): void {
  assert.deepEqual(
    attempts.map(({ number }) => number),
    attempts.map((_, index) => index + 1),
  )
  for (const { outcome } of attempts) assert.ok(outcome)
}

/** In each repository from 1, each once, without a gap but for the one that the restore leaves. */
function checkNumbers(pipelines: readonly PipelineView[]): void {
  const repositories = Map.groupBy(pipelines, ({ repositoryId }) => repositoryId)
  for (const of of repositories.values()) {
    const numbers = of.map(({ number }) => number).toSorted((a, b) => a - b)
    const leap = numbers.findIndex((number, index) => number !== index + 1)
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1 + (leap >= 0 && index >= leap ? NUMBERS : 0)),
    )
  }
}

function checkIntegrity(path: string): void {
  using database = new DatabaseSync(path, { readOnly: true })
  const [first] = Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})
  assert.equal(first, 'ok')
  assert.deepEqual(database.prepare('PRAGMA foreign_key_check').all(), [])
}
