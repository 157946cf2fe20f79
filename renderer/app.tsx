/** The app around its screens: theme, queries, who is signed in, and which screen is shown. */
import { Box, Center, Loader, MantineProvider, useMantineColorScheme } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider, useQueryClient } from '@tanstack/react-query';
import { type ComponentType, lazy, Suspense, useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { followEvents } from './api/events.ts';
import { ApiError, whenRefused } from './api/http.ts';
import { useSession } from './api/queries.ts';
import { Failure } from './components/basics.tsx';
import { tellOfMember, useAskedToComeIn } from './shell/cluster-news.ts';
import { useFirstRun } from './shell/first-run.ts';
import { Shell } from './shell/shell.tsx';
import { desktop } from './state/desktop.ts';
import { type Screen, useRoute } from './state/route.ts';
import { cssVariables, themeOf } from './theme.ts';
import { FilesScreen } from './views/files/files-screen.tsx';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // Events say when something is old.
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => error instanceof ApiError && error.code === 'UNREACHABLE' && count < 2,
    },
  },
});

whenRefused(() => void client.invalidateQueries({ queryKey: ['session'] }));

const LoginScreen = lazy(() => import('./views/login/login-screen.tsx'));
const UploadScreen = lazy(() => import('./views/upload/upload-screen.tsx'));

/** Files come with the page; the other screens when they are opened. */
const views: Record<Exclude<Screen, 'upload'>, ComponentType> = {
  files: FilesScreen,
  transfers: lazy(() => import('./views/transfers/transfers-screen.tsx')),
  devices: lazy(() => import('./views/devices/devices-screen.tsx')),
  share: lazy(() => import('./views/share/share-screen.tsx')),
  trash: lazy(() => import('./views/trash/trash-screen.tsx')),
  health: lazy(() => import('./views/health/health-screen.tsx')),
  settings: lazy(() => import('./views/settings/settings-screen.tsx')),
  welcome: lazy(() => import('./views/welcome/welcome-screen.tsx')),
};

/** Everything. @param nonce lets the styles in that are made while the page runs. */
export function App({ nonce }: { readonly nonce: string }) {
  const { t } = useTranslation();
  const closeLabel = t('common.close');
  const theme = useMemo(() => themeOf(closeLabel), [closeLabel]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={client}>
        <ModalsProvider>
          <DesktopTheme />
          {/* Not where buttons that lead on stand, and not where settings are saved. */}
          <Notifications position="bottom-left" limit={4} />
          <Gate />
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** The desktop app's own windows and menus look as the page does. */
function DesktopTheme() {
  const { colorScheme } = useMantineColorScheme();
  useEffect(() => {
    void desktop?.setTheme({ theme: colorScheme === 'auto' ? 'system' : colorScheme });
  }, [colorScheme]);
  return null;
}

/** Who may manage gets the app; others the door, or the upload page of the compatible interface, which is for everybody. */
function Gate() {
  const { screen } = useRoute();
  const session = useSession();
  if (screen === 'upload' && (session.isError || session.data?.may === false)) return <Waiting of={<UploadScreen />} />;
  if (session.isError) {
    return (
      <Box className="page-narrow">
        <Failure error={session.error} retry={() => void session.refetch()} />
      </Box>
    );
  }
  if (!session.data) return <Pending />;
  if (!session.data.may) return <Waiting of={<LoginScreen session={session.data} />} />;
  return <SignedIn />;
}

function SignedIn() {
  const queryClient = useQueryClient();
  useEffect(() => followEvents(queryClient, tellOfMember), [queryClient]);
  useAskedToComeIn();
  useFirstRun();
  const { screen } = useRoute();
  const View = screen === 'upload' ? UploadScreen : views[screen];
  return (
    <Shell screen={screen}>
      <Waiting of={<View />} />
    </Shell>
  );
}

function Waiting({ of }: { readonly of: React.ReactNode }) {
  return <Suspense fallback={<Pending />}>{of}</Suspense>;
}

function Pending() {
  const { t } = useTranslation();
  return (
    <Center h="60vh" role="status" aria-label={t('common.loading')}>
      <Loader />
    </Center>
  );
}
