import { useEffect, useState } from 'react'
import { call } from '../api.ts'
import { useShortcut } from '../hooks/shortcuts.ts'
import { live, useLiveState } from '../live/live.ts'
import { Link, navigate } from '../router.tsx'
import { Help } from './help.tsx'
import { type Role, useMay, useSession } from './session.ts'
import { keepTheme, readTheme, type Theme } from './theme.ts'

interface HeaderPage {
  readonly to: string
  readonly name: string
  readonly keys: string
  /** The required role: others don't see the page. */
  readonly needs?: Role
}

const PAGES = [
  { to: '/', name: 'Pipelines', keys: 'g p' },
  { to: '/queue', name: 'Queue', keys: 'g q' },
  { to: '/approvals', name: 'Approvals', keys: 'g w' },
  { to: '/runners', name: 'Runners', keys: 'g r' },
  { to: '/repositories', name: 'Repositories', keys: 'g o' },
  { to: '/settings', name: 'Settings', keys: 'g s' },
  { to: '/audit', name: 'Audit', keys: 'g a', needs: 'admin' },
] as const satisfies readonly HeaderPage[]

export interface HeaderProps {
  readonly path: string
  readonly isSignedOut: boolean
}

export function Header({ path, isSignedOut }: HeaderProps) {
  return (
    <header className="top">
      <div className="top-line">
        <Link to="/" className="brand">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M3 20c0-6 5-10 11-10 5 0 8 2 10 5l5-13-3 15c0 7-6 11-13 11-4 0-7-1-10-3 2 0 3 0 4-1-2-1-4-2-4-4z" />
          </svg>
          Narwhal
        </Link>
        {isSignedOut ? null : (
          <nav aria-label="Pages">
            {PAGES.map((page) => (
              <PageLink key={page.to} {...page} path={path} />
            ))}
          </nav>
        )}
        <div className="top-tools">
          {isSignedOut ? null : <Connection />}
          <ThemeButton />
          <HelpButton />
          {isSignedOut ? null : <SignOut />}
        </div>
      </div>
      {isSignedOut ? null : <Offline />}
    </header>
  )
}

function PageLink({ to, name, keys, needs, path }: HeaderPage & { readonly path: string }) {
  const may = useMay(needs)
  useShortcut(keys, may ? name : undefined, () => navigate(to))
  if (!may) return null
  const isCurrent = to === '/' ? path === '/' || path.startsWith('/pipelines') : path.startsWith(to)
  return (
    <Link to={to} isCurrent={isCurrent}>
      {name}
    </Link>
  )
}

function Connection() {
  const state = useLiveState()
  const words = { online: 'Live', connecting: 'Connecting…', offline: 'Offline' }
  return (
    <p className={`connection is-${state}`} role="status">
      <span className="dot" aria-hidden="true" />
      <span>{words[state]}</span>
    </p>
  )
}

/** How long the connection may be lost before the page shows a notice. */
const PATIENCE_MS = 1_500

function Offline() {
  const isOffline = useLiveState() === 'offline'
  const [isShown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(isOffline), isOffline ? PATIENCE_MS : 0)
    return () => clearTimeout(timer)
  }, [isOffline])
  if (!isShown || !isOffline) return null
  return (
    <p className="offline">
      Reconnecting… You may be seeing old data; it will catch up automatically.
      <button type="button" className="small" onClick={() => live.retryNow()}>
        Retry now
      </button>
    </p>
  )
}

const THEMES: Readonly<Record<Theme, { next: Theme; words: string; path: string }>> = {
  system: {
    next: 'dark',
    words: 'system',
    path: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
  },
  dark: { next: 'light', words: 'dark', path: 'M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z' },
  light: {
    next: 'system',
    words: 'light',
    path: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M4 16l1.4-1.4M14.6 5.4L16 4',
  },
}

function ThemeButton() {
  const [theme, setTheme] = useState(readTheme)
  const { next, words, path } = THEMES[theme]
  const change = () => {
    keepTheme(next)
    setTheme(next)
  }
  useShortcut('t', 'Change theme', change)
  const label = `Theme: ${words}`
  return (
    <button type="button" className="plain" title={label} aria-label={label} onClick={change}>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  )
}

function HelpButton() {
  const [isOpen, setOpen] = useState(false)
  useShortcut('?', 'Keyboard shortcuts', () => setOpen(true))
  return (
    <>
      <button
        type="button"
        className="plain"
        title="Keyboard shortcuts (?)"
        aria-label="Keyboard shortcuts"
        onClick={() => setOpen(true)}
      >
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M2.5 5.5h15v9h-15zM5.5 8.5h.1M8.5 8.5h.1M11.5 8.5h.1M14.5 8.5h.1M6.5 11.8h7" />
        </svg>
      </button>
      {isOpen ? <Help onClose={() => setOpen(false)} /> : null}
    </>
  )
}

function SignOut() {
  const session = useSession()
  if (!session?.canLeave) return null
  const signOut = async () => {
    await call('signOut', {})
    location.reload()
  }
  return (
    <button
      type="button"
      className="plain small"
      title={`Signed in as ${session.name} (${session.role})`}
      onClick={() => void signOut()}
    >
      Sign out
    </button>
  )
}
