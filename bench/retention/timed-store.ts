import type { Store } from '../../src/store/store.ts'

/** How long each step of one kind took, in milliseconds. */
export type Times = Map<string, number[]>

/** The same store, which notes how long each step of retention takes, by what it does. */
export function timedStore(store: Store, times: Times): Store {
  const time = async <Result>(name: () => string, step: () => Promise<Result>): Promise<Result> => {
    const startedAt = performance.now()
    try {
      return await step()
    } finally {
      const of = times.get(name()) ?? []
      times.set(name(), [...of, performance.now() - startedAt])
    }
  }
  const retention = otherwise(store.retention, {
    listAged: (...args) =>
      time(
        () => 'listAged',
        () => store.retention.listAged(...args),
      ),
  })
  return otherwise(store, {
    retention,
    giveBack: () =>
      time(
        () => 'giveBack',
        () => store.giveBack(),
      ),
    transact: (work) => {
      let name = 'audit'
      const note = (called: string): void => {
        name = called
      }
      return time(
        () => name,
        () =>
          store.transact((write) =>
            work(otherwise(write, { retention: noting(write.retention, note) })),
          ),
      )
    },
  })
}

/** Tells the name of each method that is called. */
function noting<Target extends object>(target: Target, note: (name: string) => void): Target {
  return new Proxy(target, {
    get: (_, name) => {
      const own: unknown = Reflect.get(target, name, target)
      if (typeof own !== 'function') return own
      note(String(name))
      return own.bind(target)
    },
  })
}

/** The same, but for some of what it does. */
function otherwise<Target extends object>(target: Target, over: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in over) return Reflect.get(over, name)
      const own: unknown = Reflect.get(target, name, target)
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
}
