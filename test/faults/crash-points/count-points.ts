import { appendFileSync } from 'node:fs'
import type { Broker } from '../../../src/broker/broker.ts'
import { Transactions } from '../../../src/store/sql/sql-store.ts'
import type { StoreWriter } from '../../../src/store/store.ts'

/**
 * What comes by the clock and not by what happens: counting it would make the points' numbers a
 * matter of luck. A transaction of nothing else is no point.
 */
const PERIODIC = [
  'changes.prune',
  'dispatchers.heartbeat',
  'events.endOfRemoved',
  'pipelines.takeFree',
  'runners.note',
] as const satisfies Call[]

/** A method of the store by its name. */
type Call = {
  [Of in keyof StoreWriter]: `${Of}.${keyof StoreWriter[Of] & string}`
}[keyof StoreWriter]

/** What writes nothing. */
const READ = /\.(find|guard|last|list|read)/

/** Of live events only these tell of the scenario; the others come by the clock. */
const TOLD = ['pipeline.changed', 'job.changed']

type Point = (name: string) => void

/** Has each store and broker operation of this process pass points, and end it at the chosen one. */
export async function countPoints(around: {
  readonly command: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}): Promise<void> {
  const { CRASH_POINTS_FILE: file, CRASH_AT: at } = around.env
  if (!file) throw new Error('CRASH_POINTS_FILE must name the file for the points')
  let passed = 0
  const point: Point = (name) => {
    appendFileSync(file, `${name}\n`)
    if (++passed === Number(at)) die()
  }
  watchStore(point)
  watchBroker(await brokerOf(around.command), point)
}

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  // Not one instruction more of Narwhal's.
  for (;;);
}

/** The class that this command uses; the other one's library need not be loaded. */
async function brokerOf(command: string | undefined): Promise<Broker> {
  if (command === 'up') {
    return (await import('../../../src/broker/embedded.ts')).EmbeddedBroker.prototype
  }
  return (await import('../../../src/broker/rabbitmq.ts')).RabbitBroker.prototype
}

/**
 * Two points for each transaction: when all is written and nothing is committed, and when it is
 * committed and nobody has heard of that. Before the first, nothing of it can be on disk.
 */
function watchStore(point: Point): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its own this, below
  const original = Transactions.prototype.run
  Transactions.prototype.run = async function <Result>(
    this: Transactions,
    work: (write: StoreWriter) => Promise<Result>,
  ) {
    let name: string | undefined
    const done = await original.call(this, async (write) => {
      const called = new Set<string>()
      const result = await work(noteCalls(write, called))
      name = nameOf(called)
      if (name) point(`${name}: before the commit`)
      return result
    })
    if (name) point(`${name}: after the commit`)
    return done as { result: Result; changes: typeof done.changes }
  }
}

function noteCalls(write: StoreWriter, called: Set<string>): StoreWriter {
  // Retention goes by the clock, too.
  const { retention, ...others } = write
  const noted = Object.entries(others).map(([of, port]) => [of, noteCallsOf(port, of, called)])
  return { ...(Object.fromEntries(noted) as typeof others), retention }
}

function noteCallsOf<Port extends object>(port: Port, of: string, called: Set<string>): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        called.add(`${of}.${String(name)}`)
        return Reflect.apply(member, target, args)
      }
    },
  })
}

/** Undefined: not to be counted. */
function nameOf(called: ReadonlySet<string>): string | undefined {
  const counted = [...called].filter(
    (name) => !READ.test(name) && !PERIODIC.some((one) => one === name),
  )
  return counted.length === 0 ? undefined : counted.join(' + ')
}

function watchBroker(broker: Broker, point: Point): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with their own this, below
  const { publishCommit, publishEvent, consumeCommits } = broker
  broker.publishCommit = async function (eventId) {
    point('publishCommit: before')
    await publishCommit.call(this, eventId)
    point('publishCommit: after')
  }
  broker.publishEvent = function (topic, message) {
    if (TOLD.includes(message.event.type)) point(`publishEvent ${message.event.type}: before`)
    publishEvent.call(this, topic, message)
  }
  broker.consumeCommits = async function (handler, options) {
    const watched = async (eventId: Parameters<typeof handler>[0]): Promise<void> => {
      point('a commit comes from the queue')
      await handler(eventId)
      point('a commit is handled, not acknowledged')
    }
    return await consumeCommits.call(this, watched, options)
  }
}
