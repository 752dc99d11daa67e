package accounts

var (
	ChangeFound   = (*Service).changeFound
	PossibleMasks = possibleMasks
	UserShape     = userShape
	UsualContact  = usualContact
)
