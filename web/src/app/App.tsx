import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { theme } from "@/ui/theme";
import { ConnectionBanner } from "./ConnectionBanner";
import { ErrorBoundary } from "./ErrorBoundary";
import { queryClient } from "./queryClient";
import { Routes } from "./Routes";

const schemes = localStorageColorSchemeManager({ key: "weft.theme" });

/** The whole application. */
export function App() {
  return (
    <MantineProvider theme={theme} colorSchemeManager={schemes} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" limit={4} autoClose={6000} />
        <ConnectionBanner />
        <ErrorBoundary>
          <Routes />
        </ErrorBoundary>
      </QueryClientProvider>
    </MantineProvider>
  );
}
