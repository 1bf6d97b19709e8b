import { type Doer, systemDoer } from '../../../src/core/audit/audit.ts'
import type { Stage } from '../stage.ts'
import { openWebStage, type WebStage } from '../web-stage.ts'
import { uiFolder } from './browser.ts'
import { type Seeded, seed, tellLoad } from './seed.ts'

/** A web server over a store with a team's data; what only a dispatcher reports is sent by the test. */
export async function openSeeded(): Promise<WebStage & { readonly seeded: Seeded }> {
  let queue: readonly Record<string, unknown>[] = []
  const web = await openWebStage({
    uiFolder,
    prepare: (server) => {
      const day = 24 * 3600_000
      const tokens = ['ada', 'grace', 'deploy-bot'].map((name, index) => {
        const user = index === 0 ? 'ada' : name
        return {
          id: `token_${index}`,
          name: index === 0 ? 'laptop' : name,
          user,
          createdAt: Date.now() - (30 - index * 9) * day,
        }
      })
      server.get('/api/v1/queue', async () => ({ jobs: queue, total: queue.length }))
      server.get('/api/v1/tokens', async () => ({ tokens }))
      server.get('/api/v1/session', async () => ({ name: 'ada', role: 'admin', canLeave: true }))
    },
  })
  const seeded = await seed(web.stage)
  await seedUsers(web.stage)
  await seedAudit(web.stage)
  queue = seeded.queue
  tellLoad(
    web.stage,
    (await web.stage.store.runners.list()).filter(({ state }) => state === 'online'),
  )
  return { ...web, seeded, [Symbol.asyncDispose]: () => web[Symbol.asyncDispose]() }
}

async function seedUsers({ store }: Stage): Promise<void> {
  const users = { ada: 'admin', 'deploy-bot': 'viewer', grace: 'member', linus: 'member' } as const
  for (const [index, [name, role]] of Object.entries(users).entries()) {
    const createdAt = Date.now() - (30 - index * 9) * 24 * 3600_000
    const user = { id: `user_${index}`, name, role, createdAt } as const
    await store.transact((write) => write.users.insert(user))
  }
}

/** What the four users have done to each other, and jobs that had secrets. */
async function seedAudit({ store }: Stage): Promise<void> {
  const actor = { kind: 'person', id: 'user_0', name: 'ada' } as const
  const ada: Doer = { actor, address: '127.0.0.1', cause: 'PATCH /api/v1/users/:user' }
  const narwhal = systemDoer('dispatcher', 'a job was given to a runner')
  await store.transact(async (write) => {
    for (let n = 1; n <= 120; n++) {
      const subject = { id: `job_${n}`, name: `acme/shop #${n} deploy` }
      const where = { repository: 'acme/shop', attempt: 1, runner: 'build-1', isStranger: false }
      const after = { ...where, sha: 'a'.repeat(40), secrets: ['DEPLOY_KEY', 'REGISTRY_TOKEN'] }
      write.audit.add(narwhal, { action: 'job.given_secrets', subject, after })
    }
    const subject = { id: 'user_2', name: 'grace' }
    const facts = { before: { role: 'viewer' }, after: { role: 'member' } } as const
    write.audit.add(ada, { action: 'user.role_changed', subject, ...facts })
    write.audit.add(ada, {
      action: 'secret.set',
      subject: { id: 'DEPLOY_KEY', name: 'DEPLOY_KEY' },
    })
  })
}
