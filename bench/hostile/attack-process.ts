import { createHmac, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the attacker is asked to do; it answers with an `AttackResult`. */
export interface AttackOrder {
  readonly url: string
  readonly path: string
  /** What signs the bodies; absent: they have a signature that is wrong. */
  readonly secret?: string
  readonly perSecond: number
  readonly seconds: number
  readonly bytes: number
}

export interface AttackResult {
  /** How often each status was answered; 0: no answer. */
  readonly statuses: Readonly<Record<string, number>>
}

/** An address that sends more wrong signatures than this is not listened to any more. */
const WRONG_OF_ADDRESS = 20
const LONGEST_MS = 60_000

/**
 * The attacker: a process of its own. It sends to loopback only, from an address of loopback that changes
 * before Narwhal would stop listening to it, as many attackers would, and ends by itself.
 */
let sent = 0
setTimeout(() => process.exit(1), LONGEST_MS * 10).unref()
process.on('disconnect', () => process.exit(0))
process.on('message', (order: AttackOrder) => {
  void attack(order).then((result) => process.send?.(result))
})

async function attack(order: AttackOrder): Promise<AttackResult> {
  const url = new URL(order.url)
  if (url.hostname !== '127.0.0.1') throw new Error('load is only sent to 127.0.0.1')
  const body = hostile(order.bytes)
  const hmac = createHmac('sha256', order.secret ?? 'wrong')
  const proof = hmac.update(body).digest('hex')
  const statuses: Record<string, number> = {}
  const sending: Promise<void>[] = []
  const startedAt = performance.now()
  for (let n = 0; n < order.perSecond * order.seconds; n++) {
    const dueAt = startedAt + (n * 1000) / order.perSecond
    await sleep(Math.max(0, dueAt - performance.now()))
    const head = `POST ${order.path} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r
Content-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: ${randomUUID()}\r
X-Hub-Signature-256: sha256=${proof}\r\nContent-Length: ${body.length}\r\n\r\n`
    const status = sendOne(url, head, body).then((code) => {
      statuses[code] = (statuses[code] ?? 0) + 1
    })
    sending.push(status)
  }
  await Promise.all(sending)
  return { statuses }
}

/** Resolves with the status of the answer; 0 where there is none. */
async function sendOne(url: URL, head: string, body: Buffer): Promise<number> {
  const localAddress = `127.0.${2 + Math.trunc(sent++ / WRONG_OF_ADDRESS)}.1`
  const socket = connect({ host: url.hostname, port: Number(url.port), localAddress })
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text
  })
  // Whoever is refused while he still sends is not always told why.
  socket.on('error', () => {})
  socket.setTimeout(LONGEST_MS, () => socket.destroy())
  socket.write(head)
  socket.write(body)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => resolve())
  await closed
  return Number(answer.slice(9, 12)) || 0
}

/** What takes a parser longest, for its length. */
function hostile(bytes: number): Buffer {
  const head = '{"repository":{"id":77,"full_name":"bench/project"},"x":['
  return Buffer.from(`${head}${'[],'.repeat((bytes - head.length) / 3)}1]}`)
}
