import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyVault } from '#root/test/support/empty-vault.ts'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { openTestStore } from '#root/test/support/test-store.ts'
import { EmbeddedBroker } from '../broker/embedded.ts'
import { readGitEnv } from '../config/env.ts'
import { silentLog } from '../lib/log.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { Store, Uses } from '../store/store.ts'
import { Intake } from './intake.ts'
import { Poller } from './poller.ts'

const repository: RepositoryRecord = {
  id: 'repo_1',
  name: 'ada/project',
  forge: 'git',
  cloneUrl: '',
  webhookSecret: 'x',
  pollIntervalMs: 1_000,
  createdAt: 0,
}

test('a webhook that comes during a poll does not make the former head news', async () => {
  await using remote = await gitRepository({ files: { a: '1' } })
  await using store = await openTestStore()
  const log = silentLog()
  await using broker = new EmbeddedBroker(log)
  const intake = new Intake({ store, broker, refs: { find: async () => '' }, log })
  const polled = { ...repository, cloneUrl: remote.path }
  const main = 'refs/heads/main'
  const head = { ref: main, sha: await remote.head() }
  await store.transact((write) => write.repositories.insert(polled, [head]))

  const pushMeanwhile = async (): Promise<void> => {
    const sha = await remote.commit({ a: '2' })
    await intake.acceptDelivery({
      forge: 'github',
      deliveryId: '1',
      repositoryId: polled.id,
      content: {
        kind: 'commit',
        event: {
          repositoryId: polled.id,
          kind: 'push',
          ref: main,
          sha,
          title: '',
          author: '',
          trust: {},
          source: 'webhook',
        },
      },
    })
  }
  const busy: Uses<'heads'> = {
    heads: {
      ...store.heads,
      list: async (id) => {
        await pushMeanwhile()
        return await store.heads.list(id)
      },
    },
  }
  const deps = {
    store: busy as Store,
    vault: await emptyVault(),
    intake,
    gitEnv: readGitEnv(),
    log,
  }
  await new Poller(deps).pollOnce(polled)
  assert.equal((await store.events.listPending({ before: Date.now() + 1, limit: 10 })).length, 1)
  assert.deepEqual(await store.heads.list(polled.id), [{ ref: main, sha: await remote.head() }])
})
