import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/errors";

function worthRetrying(count: number, error: Error): boolean {
  if (error instanceof ApiError && error.status >= 400 && error.status < 500) return false;
  return count < 2;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: worthRetrying, staleTime: 10_000, networkMode: "always" },
    mutations: { networkMode: "always" },
  },
});
