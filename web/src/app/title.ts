import { useEffect } from "react";

/** Names the page in the browser's tab. */
export function usePageTitle(page: string | undefined): void {
  useEffect(() => {
    document.title = page ? `${page} · Weft` : "Weft";
    return () => {
      document.title = "Weft";
    };
  }, [page]);
}
