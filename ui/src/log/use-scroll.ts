import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react'

/** The height of a line in pixels, as in the style sheet. */
export const LINE = 18
/** Browsers can't render boxes higher than about 16 million pixels: a higher log scrolls in larger steps. */
const MAX_HEIGHT = 12_000_000
/** The distance in pixels that counts as being at the end. */
const NEAR = 4
const UP_KEYS = new Set(['ArrowUp', 'PageUp', 'Home'])

export interface LogScroll {
  readonly box: RefObject<HTMLDivElement | null>
  /** The position at the top edge of the box, in lines, fractional. */
  readonly top: number
  /** How many lines the box shows. */
  readonly visible: number
  /** The height of the content, and how far it is scrolled, in pixels. */
  readonly heightPx: number
  readonly topPx: number
  readonly isAtEnd: boolean
  readonly isFollowing: boolean
  readonly follow: () => void
  /** Scrolls to a position, and stays there. */
  readonly goTo: (place: number) => void
}

/** Scrolls through `height` lines; follows the end as they grow, until scrolled up. */
export function useScroll(height: number): LogScroll {
  const box = useRef<HTMLDivElement>(null)
  const [boxPx, setBoxPx] = useState(400)
  const [topPx, setTopPx] = useState(0)
  const [isFollowing, setFollowing] = useState(true)
  const following = useRef(true)
  const lastTop = useRef(0)
  const becomeFollowing = useCallback((yes: boolean) => {
    following.current = yes
    setFollowing(yes)
  }, [])
  const heightPx = Math.min(MAX_HEIGHT, height * LINE)
  const visible = boxPx / LINE
  const mostPx = Math.max(0, heightPx - boxPx)
  const mostTop = Math.max(0, height - visible)
  const perPx = mostPx > 0 ? mostTop / mostPx : 0

  useLayoutEffect(() => {
    if (!box.current) return
    return watchBox(box.current, {
      onSize: setBoxPx,
      onScroll: (px) => {
        lastTop.current = px
        setTopPx(px)
      },
      isUpwards: (px) => px < lastTop.current,
      onFollow: becomeFollowing,
    })
  }, [becomeFollowing])

  useLayoutEffect(() => {
    const outer = box.current
    if (!outer || !following.current) return
    outer.scrollTop = mostPx
    lastTop.current = outer.scrollTop
    setTopPx(outer.scrollTop)
  }, [mostPx, isFollowing])

  const goTo = (place: number) => {
    const outer = box.current
    if (!outer) return
    const top = Math.min(mostTop, Math.max(0, place - visible / 3))
    if (top < mostTop) becomeFollowing(false)
    const px = perPx > 0 ? top / perPx : 0
    outer.scrollTop = px
    lastTop.current = outer.scrollTop
    setTopPx(outer.scrollTop)
  }
  return {
    box,
    top: Math.min(mostTop, topPx * perPx),
    visible,
    heightPx,
    topPx,
    isAtEnd: mostPx - topPx <= NEAR,
    isFollowing,
    follow: () => becomeFollowing(true),
    goTo,
  }
}

interface BoxWatcher {
  readonly onSize: (px: number) => void
  readonly onScroll: (px: number) => void
  readonly isUpwards: (px: number) => boolean
  readonly onFollow: (yes: boolean) => void
}

/** Watches a scrolling box for resizes and scrolls; returns how to stop. */
function watchBox(outer: HTMLElement, watcher: BoxWatcher): () => void {
  const stop = new AbortController()
  const options = { passive: true, signal: stop.signal }
  const observer = new ResizeObserver(() => watcher.onSize(outer.clientHeight))
  observer.observe(outer)
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = outer
    const isUpwards = watcher.isUpwards(scrollTop)
    watcher.onScroll(scrollTop)
    if (scrollHeight - scrollTop - clientHeight <= NEAR) watcher.onFollow(true)
    else if (isUpwards) watcher.onFollow(false)
  }
  outer.addEventListener('scroll', scrolled, options)
  // Lines arriving at the same moment would take the box back to its end.
  const up = (isUp: boolean) => {
    if (isUp && outer.scrollHeight > outer.clientHeight) watcher.onFollow(false)
  }
  outer.addEventListener('wheel', ({ deltaY }) => up(deltaY < 0), options)
  outer.addEventListener('keydown', ({ key }) => up(UP_KEYS.has(key)), options)
  return () => {
    observer.disconnect()
    stop.abort()
  }
}
