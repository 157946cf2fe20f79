; The node is what other devices talk to. Without a rule Windows asks at the first start, and "Cancel" there is a block for good.
!macro customInstall
  nsExec::Exec 'netsh advfirewall firewall delete rule name="Shoal"'
  nsExec::Exec 'netsh advfirewall firewall add rule name="Shoal" dir=in action=allow profile=private,domain program="$INSTDIR\resources\node\shoal-node.exe" enable=yes'
!macroend

!macro customUnInstall
  nsExec::Exec 'netsh advfirewall firewall delete rule name="Shoal"'
!macroend
