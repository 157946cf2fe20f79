@echo off
rem `shoal` of the installed app: see the launcher of Linux.
setlocal
set "resources=%~dp0.."
if "%~1"=="" goto window
set "first=%~1"
if /i "%first:~0,8%"=="shoal://" goto window
if /i "%first%"=="--hidden" goto window
"%resources%\node\shoal-node.exe" "%resources%\node\installed.cjs" %*
exit /b %errorlevel%
:window
start "" "%resources%\..\Shoal.exe" %*
