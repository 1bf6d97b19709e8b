import { useLiveState } from '../live/live.ts'
import { Link } from '../router.tsx'

const PAGES = [
  { to: '/', name: 'Pipelines' },
  { to: '/queue', name: 'Queue' },
  { to: '/runners', name: 'Runners' },
] as const

export interface HeaderProps {
  readonly path: string
  readonly isSignedOut: boolean
}

export function Header({ path, isSignedOut }: HeaderProps) {
  const isCurrent = (to: string) => path === to || (to === '/' && path.startsWith('/pipelines'))
  return (
    <header className="top">
      <Link to="/" className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M3 20c0-6 5-10 11-10 5 0 8 2 10 5l5-13-3 15c0 7-6 11-13 11-4 0-7-1-10-3 2 0 3 0 4-1-2-1-4-2-4-4z" />
        </svg>
        Narwhal
      </Link>
      <nav aria-label="Pages">
        {PAGES.map(({ to, name }) => (
          <Link key={to} to={to} isCurrent={isCurrent(to)}>
            {name}
          </Link>
        ))}
      </nav>
      {isSignedOut ? null : <Connection />}
    </header>
  )
}

function Connection() {
  const state = useLiveState()
  const words = { online: 'Live', connecting: 'Connecting', offline: 'Offline, reconnecting' }
  return (
    <p className={`connection is-${state}`} role="status">
      <span className="dot" aria-hidden="true" />
      {words[state]}
    </p>
  )
}
