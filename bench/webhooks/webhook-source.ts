import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'

/** A registered repository, and the secret its webhooks are signed with. */
export interface LoadTarget {
  readonly forgeId: number
  readonly repositoryId: string
  readonly fullName: string
  readonly secret: string
}

interface Example {
  readonly name: string
  readonly examples: readonly Record<string, unknown>[]
}

const PLACEHOLDER = 'f00d'.repeat(10)

/** Makes webhooks of pushes as GitHub sends them (its own example, 7 KB), each of a new commit. */
export class WebhookSource {
  readonly #parts: readonly string[]
  readonly #secret: string
  readonly #path: string
  readonly #run = Math.trunc(Math.random() * 0xffff_ffff).toString(16)
  #count = 0

  constructor({ forgeId, repositoryId, fullName, secret }: LoadTarget) {
    this.#secret = secret
    this.#path = `/webhooks/github/${repositoryId}`
    const example = examplePush()
    const repository = { ...(example['repository'] as object), id: forgeId, full_name: fullName }
    const head = {
      ...(example['head_commit'] as object),
      id: PLACEHOLDER,
      message: 'Feed the whale',
      author: { name: 'Ada', email: 'ada@example.com' },
    }
    const ref = 'refs/heads/main'
    const payload = {
      ...example,
      ref,
      after: PLACEHOLDER,
      deleted: false,
      repository,
      head_commit: head,
    }
    this.#parts = JSON.stringify(payload).split(PLACEHOLDER)
  }

  /** The bytes of the next request. */
  next(host: string): string {
    const name = `${this.#run}${(this.#count++).toString(16).padStart(12, '0')}`
    const body = this.#parts.join(name.padStart(40, '1'))
    const signature = createHmac('sha256', this.#secret).update(body).digest('hex')
    return `POST ${this.#path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r
X-GitHub-Event: push\r\nX-GitHub-Delivery: ${name}\r\nX-Hub-Signature-256: sha256=${signature}\r
Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  }
}

function examplePush(): Record<string, unknown> {
  const module: unknown = createRequire(import.meta.url)('@octokit/webhooks-examples')
  const examples = ((module as { default?: Example[] }).default ?? module) as Example[]
  const push = examples.find(({ name }) => name === 'push')?.examples[0]
  if (!push) throw new Error('@octokit/webhooks-examples has no push')
  return push
}
