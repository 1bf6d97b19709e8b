import { useSyncExternalStore } from 'react'
import { announceSignedOut } from '../api.ts'
import { LiveClient, type LiveState, type SocketLike } from './live-client.ts'

/** The page's one live connection. */
export const live = new LiveClient({
  open: () => {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
    return new WebSocket(`${scheme}//${location.host}/api/v1/live`) as SocketLike
  },
  later: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
  random: Math.random,
  onSignedOut: announceSignedOut,
  // Before sign-in the server would only refuse.
  isWaiting: true,
})

addEventListener('online', () => live.retryNow())
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') live.retryNow()
})

const watch = (watcher: () => void) => live.watch(watcher)

export function useLiveState(): LiveState {
  return useSyncExternalStore(watch, () => live.state)
}
